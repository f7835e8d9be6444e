# SPDX-License-Identifier: GPL-2.0-or-later
"""What QEMU owes for each disk, from what management did and was told.

That a disk has not arrived at the destination is QEMU's fault only if management had
it mirrored until the guest was stopped. Pure functions over events and steps.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum

from ..monitor import Event


class Debt(Enum):
    """What `completed` has to mean for a disk.

    OWED: all of it is at the destination, and the images are equal. MOVED: the guest
    went over to the target before (job-complete), so that all of it is there, but the
    old image is out of date. NONE: management did not have it mirrored.
    """

    OWED = "owed"
    MOVED = "moved"
    NONE = "none"


def debt(job: str, events: Sequence[Event], pivots: Collection[int]) -> Debt:
    """What is owed for the disk that this job mirrors, after these events.

    `pivots` are the moments, in numbers of events, at which the job was told to let
    the guest go over to the target. While a job lives it is owed that it gets in sync
    or fails the migration, and a failure is owed to the migration that was under way.
    """
    state = "none"
    pivoting, running = False, True
    for number, event in enumerate(events):
        pivoting = pivoting or number in pivots
        if event.name in ("STOP", "RESUME"):
            running = event.name == "RESUME"
            if running and state == "copied":
                state = "none"
        elif event.name == "MIGRATION" and event.data["status"] == "setup":
            state = "none" if state == "failed" else state
        elif event.matches("JOB_STATUS_CHANGE", id=job, status="created"):
            pivoting, state = False, "live"
        elif event.matches("BLOCK_JOB_CANCELLED", device=job):
            state = "none"
        elif event.matches("BLOCK_JOB_COMPLETED", device=job):
            if "error" in event.data:
                state = "failed"
            elif pivoting:
                return Debt.MOVED
            else:
                state = "none" if running else "copied"
    return Debt.NONE if state == "none" else Debt.OWED
