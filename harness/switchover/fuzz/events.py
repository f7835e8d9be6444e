# SPDX-License-Identifier: GPL-2.0-or-later
"""What a QEMU's events, or its answer, tell about its guest and its jobs."""

from __future__ import annotations

from collections.abc import Sequence

from ..vm.monitor import Event
from ..vm.vm import VM


def runs(vm: VM) -> bool:
    """Whether a guest runs, by the last event."""
    names = [e.name for e in vm.events if e.name in ("STOP", "RESUME")]
    return not names or names[-1] == "RESUME"


async def is_running(vm: VM) -> bool:
    """Whether a guest runs, by what QEMU says now."""
    return bool((await vm.qmp("query-status"))["running"])


def last_status(events: Sequence[Event], job: str) -> str:
    """The status of a job after these events; "null" if there is none."""
    seen = (e for e in reversed(events) if e.matches("JOB_STATUS_CHANGE", id=job))
    return next((str(e.data["status"]) for e in seen), "null")
