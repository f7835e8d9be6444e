# SPDX-License-Identifier: GPL-2.0-or-later
"""What management has had the source do, and what QEMU owes it because of that.

Only commands that were carried out count. Nothing here looks at QEMU. That a disk has
not arrived at the destination is QEMU's fault only if management had it mirrored until
the guest was stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise, takewhile
from typing import Any

from ..judging.journey import BEGIN
from ..vm.monitor import Event

GO_ON = ("migrate-continue", "migration-complete")
PIVOTS = ("block-job-complete", "job-complete")
CANCELS = ("block-job-cancel", "job-cancel")
# The source may have given the disks away.
AWAY = ("device", "completed", "failed")


class Guarantee(Enum):
    """What `completed` has to mean for a disk.

    OWED: all of it is at the destination, and the images are equal. MOVED: the guest
    went over to the target before (job-complete), so that all of it is there, but the
    old image is out of date. NONE: management did not have it mirrored.
    """

    OWED = "owed"
    MOVED = "moved"
    NONE = "none"


@dataclass(frozen=True)
class Accepted:
    """A command that the source has carried out.

    There were `position` events before it. With it, the migration had this status, the
    destination had got the guest or not, and clients wrote to what these jobs mirror.
    """

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    position: int = 0
    status: str = BEGIN
    arrived: bool = False
    written: frozenset[str] = frozenset()

    @property
    def activates(self) -> bool | None:
        """Whether it activates nodes, or inactivates them; None if neither."""
        if self.name == "block-export-add":
            return True
        active: bool | None = self.arguments.get("active")
        return active if self.name == "blockdev-set-active" else None

    def is_to(self, job: str, *names: str) -> bool:
        """Whether it is one of these commands, to a job."""
        named = self.arguments.get("device") or self.arguments.get("id")
        return self.name in names and named == job

    def aborts(self, job: str) -> bool:
        """Whether what a job has copied is worth nothing any more."""
        if self.name == "block_resize":
            # It isn't as large any more as what was copied.
            return str(self.arguments["node-name"]).replace("disk", "m") == job
        forced = self.arguments.get("force") and self.name == "block-job-cancel"
        # What a client writes after the end of the job is not copied.
        return self.is_to(job, *CANCELS) and bool(forced or job in self.written)


class Management:
    """All commands, in order, and what management has decided by them."""

    def __init__(self) -> None:
        self.commands: list[Accepted] = []

    @property
    def _attempt(self) -> list[Accepted]:
        """Those since the last migration began, the last one first."""
        latest = reversed(self.commands)
        return list(takewhile(lambda command: command.name != "migrate", latest))

    @property
    def has_stopped(self) -> bool:
        """Whether the guest is to be stopped."""
        names = [c.name for c in self.commands if c.name in ("stop", "cont")]
        return names[-1:] == ["stop"]

    @property
    def has_reclaimed(self) -> bool:
        """Whether, after `completed`, the guest goes on at the source all the same."""
        conts = [c for c in self._attempt if c.name == "cont"]
        return any(c.status == "completed" or c.arrived for c in conts)

    @property
    def goes_on(self) -> bool:
        """Whether the migration was told to go on from its pause."""
        return any(c.name in GO_ON for c in self._attempt)

    @property
    def has_deactivated(self) -> bool:
        """Whether there are nodes that are to be inactive."""
        inactive = False
        for command in self.commands:
            if command.name == "blockdev-set-active":
                partly = "node-name" in command.arguments
                inactive = not command.activates or (inactive and partly)
        return inactive

    @property
    def has_taken_disks(self) -> bool:
        """Whether nodes of the guest were ever inactivated."""
        return any(c.activates is False for c in self.commands)

    @property
    def has_activated(self) -> bool:
        """Whether nodes were activated, although the disks may have been given away."""
        statuses = [c.status for c in self._attempt if c.activates]
        return any(s in AWAY or s.startswith("postcopy") for s in statuses)

    @property
    def made_by(self) -> dict[str, str]:
        """Which command has made a job."""
        made = [c for c in self.commands if "job-id" in c.arguments]
        return {c.arguments["job-id"]: c.name for c in made}


def guarantee(
    job: str, events: Sequence[Event], commands: Sequence[Accepted]
) -> Guarantee:
    """What is owed for the disk that this job mirrors, after these events.

    While a job lives it is owed that it gets in sync or fails the migration, and a
    failure is owed to the migration that was under way.
    """
    pivots = {c.position for c in commands if c.is_to(job, *PIVOTS)}
    cancels = {c.position for c in commands if c.is_to(job, *CANCELS)}
    aborts = {c.position for c in commands if c.aborts(job)}
    state = "none"
    pivoting, cancelled, killed, running = False, False, False, True
    begins = _begins(job, events)
    for number, event in enumerate(events):
        pivoting = pivoting or number in pivots
        cancelled = cancelled or number in cancels | aborts
        killed = killed or number in aborts
        if number in aborts and state in ("live", "copied"):
            state = "none"
        if event.name in ("STOP", "RESUME"):
            running = event.name == "RESUME"
            if running and state == "copied":
                state = "none"
        elif event.name == "MIGRATION" and event.data["status"] == "setup":
            state = "none" if state == "failed" else state
        elif number in begins:
            pivoting, cancelled, killed, state = False, False, False, "live"
        elif event.matches("BLOCK_JOB_CANCELLED", device=job):
            # Without having been told to, it has failed.
            state = "none" if cancelled else "failed"
        elif event.matches("BLOCK_JOB_COMPLETED", device=job):
            if pivoting and "error" not in event.data:
                return Guarantee.MOVED
            worthless = "error" not in event.data and (running or killed)
            copied = "failed" if "error" in event.data else "copied"
            state = "none" if worthless else copied
    return Guarantee.NONE if state == "none" else Guarantee.OWED


def _begins(job: str, events: Sequence[Event]) -> set[int]:
    """When the job was made: what is refused is created and gone at once."""
    changes = [
        (number, event.data["status"])
        for number, event in enumerate(events)
        if event.matches("JOB_STATUS_CHANGE", id=job)
    ]
    # Of the last one it is not known yet.
    changes.append((len(events), "running"))
    return {
        number
        for (number, status), (_, then) in pairwise(changes)
        if status == "created" and then != "null"
    }
