# SPDX-License-Identifier: GPL-2.0-or-later
"""A QMP connection that keeps every event, and a transcript of all messages."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from qemu.qmp import Message, QMPClient

# A lost connection is reported by VM; the library would say so a second time.
logging.getLogger("qemu.qmp").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Event:
    """An event; `time` is QEMU's own timestamp, in seconds since the epoch."""

    name: str
    data: dict[str, Any]
    time: float

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Self:
        """The event in a QMP message."""
        stamp = message["timestamp"]
        when = stamp["seconds"] + stamp["microseconds"] / 1e6
        return cls(message["event"], message.get("data", {}), when)

    def matches(self, name: str, **data: Any) -> bool:
        """Whether it has this name and these members of data."""
        return name == self.name and data.items() <= self.data.items()


class Monitor(QMPClient):
    """Calls `notify` after each event that it has added to `received`.

    `commands` are the names of all commands that were sent and not refused, `failure`
    is why the transcript could not be written: the connection goes on without it.
    """

    def __init__(self, transcript: Path, notify: Callable[[], None]) -> None:
        super().__init__(transcript.stem)
        self.received: list[Event] = []
        self.commands: list[str] = []
        self.failure: OSError | None = None
        self._sent: dict[str, str] = {}
        self._transcript = transcript
        self._notify = notify
        transcript.write_text("")

    def find(self, name: str, since: int = 0, **data: Any) -> Event | None:
        """The first event from number `since` on with this name and data."""
        found = (e for e in self.received[since:] if e.matches(name, **data))
        return next(found, None)

    def _cb_outbound(self, msg: Message) -> Message:
        self._log("->", msg)
        if "execute" in msg and "id" in msg:
            self._sent[str(msg["id"])] = str(msg["execute"])
        return super()._cb_outbound(msg)

    def _cb_inbound(self, msg: Message) -> Message:
        self._log("<-", msg)
        if "event" in msg:
            self.received.append(Event.of(msg))
            self._notify()
        command = self._sent.pop(str(msg.get("id")), None)
        if command and "return" in msg:
            self.commands.append(command)
        return super()._cb_inbound(msg)

    def _log(self, direction: str, message: Message) -> None:
        line = f"{time.time():.6f} {direction} {json.dumps(dict(message))}\n"
        try:
            with open(self._transcript, "a") as file:
                file.write(line)
        except OSError as error:
            self.failure = error
