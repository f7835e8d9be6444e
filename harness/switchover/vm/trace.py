# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's trace: which events are wanted, and what its log says of them.

The backend is "log", QEMU's default, so every build has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

# 2026-01-31T12:00:00.123456Z name arguments
LINE = re.compile(r"^(\d{4}-\d\d-\d\dT[\d:.]+Z) (\w+) ?(.*)$")


@dataclass(frozen=True)
class Traced:
    """A trace event; `time` is in seconds since the epoch, as in QMP events."""

    name: str
    text: str
    time: float


def options(events: Iterable[str], log: str) -> list[str]:
    """QEMU's options that write these events to `log`, with microseconds.

    A build that lacks an event says so on stderr, unless it is asked for by a
    pattern: then it has nothing to say. Error messages get a timestamp, too.
    """
    enabled = [option for event in events for option in ("-trace", f"{event}*")]
    return [*enabled, "-trace", f"file={log}", "-msg", "timestamp=on"]


def parse(log: str) -> list[Traced]:
    """The events in a log, by time: threads may be overtaken on the way to it.

    A line without a timestamp is not one; a crash may cut the last one short.
    """
    found = (LINE.match(line) for line in log.splitlines())
    events = [Traced(m[2], m[3], _seconds(m[1])) for m in found if m]
    return sorted(events, key=lambda event: event.time)


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
