# SPDX-License-Identifier: GPL-2.0-or-later
"""What management has had the source do, and what follows from it.

Only commands that were carried out count. Nothing here looks at QEMU.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from ..judging.journey import BEGIN

GO_ON = ("migrate-continue", "migration-complete")
PIVOTS = ("block-job-complete", "job-complete")
CANCELS = ("block-job-cancel", "job-cancel")
# The source may have given the disks away.
AWAY = ("device", "completed", "failed")


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

    @property
    def is_away(self) -> bool:
        return self.status in AWAY or self.status.startswith("postcopy")

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
        return any(c.activates and c.is_away for c in self._attempt)

    @property
    def made_by(self) -> dict[str, str]:
        """Which command has made a job."""
        made = [c for c in self.commands if "job-id" in c.arguments]
        return {c.arguments["job-id"]: c.name for c in made}
