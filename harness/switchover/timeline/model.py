# SPDX-License-Identifier: GPL-2.0-or-later
"""What a timeline is made of: lanes of states, and the phases of a switchover."""

from __future__ import annotations

from dataclasses import dataclass

from ..vm.monitor import Event
from ..vm.trace import Traced


@dataclass(frozen=True)
class Side:
    """One QEMU process: what it said by QMP and trace, and how it ended.

    `end` is the time at which it was seen to be gone, `outcome` what that was.
    """

    name: str
    events: tuple[Event, ...]
    trace: tuple[Traced, ...]
    end: float
    outcome: str = ""

    def first_sign(self) -> float:
        """When it was first heard of."""
        return min([*(e.time for e in self.events), *(t.time for t in self.trace)])

    def traced(self, name: str, text: str, since: float = 0.0) -> float | None:
        """When the trace first says that; None if it never does."""
        for event in self.trace:
            if (event.name, event.text) == (name, text) and event.time >= since:
                return event.time
        return None


@dataclass(frozen=True)
class Span:
    """A state from `start` to `end`, in seconds since the epoch."""

    state: str
    start: float
    end: float


@dataclass(frozen=True)
class Lane:
    """One thing's states over time; `kind` says of what sort the states are."""

    side: str
    title: str
    kind: str
    spans: tuple[Span, ...] = ()
    no_evidence: str = ""


@dataclass(frozen=True)
class Phase:
    """One of the five steps of a switchover; without `time` nothing tells of it."""

    number: int
    title: str
    time: float | None


@dataclass(frozen=True)
class Crash:
    """What a process ended with."""

    title: str
    time: float


@dataclass(frozen=True)
class Downtime:
    """How long the guest was stopped, and what it ended with.

    From the source's STOP to the destination's `completed`, as in all figures,
    or to the source's RESUME if it did not switch over. `stopping` is when it
    left the state "running": its CPUs stand still while what is in flight is
    awaited, and STOP comes only then.
    """

    stopping: float
    start: float
    end: float
    ended_by: str

    @property
    def milliseconds(self) -> float:
        return (self.end - self.start) * 1000


@dataclass(frozen=True)
class Timeline:
    """A whole run, from the first to the last thing that is known of it."""

    title: str
    start: float
    end: float
    lanes: tuple[Lane, ...] = ()
    phases: tuple[Phase, ...] = ()
    downtime: Downtime | None = None
    crashes: tuple[Crash, ...] = ()
