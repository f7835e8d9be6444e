# SPDX-License-Identifier: GPL-2.0-or-later
"""What QEMU has to guarantee for each disk, from what management did and was told.

That a disk has not arrived at the destination is QEMU's fault only if management had
it mirrored until the guest was stopped. Pure functions over events and steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from itertools import pairwise

from ..vm.monitor import Event
from .management import CANCELS, PIVOTS, Accepted


class Guarantee(Enum):
    """What `completed` has to mean for a disk.

    OWED: all of it is at the destination, and the images are equal. MOVED: the guest
    went over to the target before (job-complete), so that all of it is there, but the
    old image is out of date. NONE: management did not have it mirrored.
    """

    OWED = "owed"
    MOVED = "moved"
    NONE = "none"


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
