# SPDX-License-Identifier: GPL-2.0-or-later
"""A QMP client that answers at once.

How long a guest stands still depends on its client, too. qemu.qmp takes 0.1 ms for each
message, and there are five for each disk between STOP and the answer to a pause; while
it works on them, QEMU has a processor less. A client in C, as libvirt is one, is idle
most of the time. So this one blocks, and the rest of the harness stands still with it.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..socketpath import short
from ..vm import REPLY_SECONDS, Died, Hang, Refused

# How long others may have to wait for a turn.
TURN_SECONDS = 0.2
SIZE = 1 << 16


class Prompt:
    """A connection to the second monitor of a QEMU, for an `async with`."""

    def __init__(self, folder: Path, name: str) -> None:
        with short(folder, name) as path:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.connect(path)
        self._socket.settimeout(TURN_SECONDS)
        self._messages: list[dict[str, Any]] = []
        self._rest = b""

    async def __aenter__(self) -> Self:
        await self.execute("qmp_capabilities")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._socket.close()

    async def execute(self, command: str, **arguments: Any) -> None:
        """Run a command, its names as in QMP; raises Refused, Died, Hang."""
        request = {"execute": command, "arguments": arguments, "id": command}
        self._socket.sendall(json.dumps(request).encode())
        answer = await self._message(command, REPLY_SECONDS, id=command)
        if "error" in answer:
            raise Refused(f"{command}: {answer['error']['desc']}")

    async def event(self, name: str, seconds: float, **data: Any) -> None:
        """Wait for an event that none has waited for, with these members of data."""
        await self._message(name, seconds, event=name, **data)

    async def _message(
        self, what: str, seconds: float, **members: Any
    ) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while True:
            for message in self._messages:
                if members.items() <= {**message.get("data", {}), **message}.items():
                    self._messages.remove(message)
                    return message
            await self._receive(what, deadline)

    async def _receive(self, what: str, deadline: float) -> None:
        try:
            data = self._socket.recv(SIZE)
        except TimeoutError:
            await asyncio.sleep(0)
            if time.monotonic() > deadline:
                raise Hang(f"no {what}") from None
            return
        if not data:
            raise Died(f"QEMU hung up before {what}")
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._messages += map(json.loads, lines)
