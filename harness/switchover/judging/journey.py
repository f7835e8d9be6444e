# SPDX-License-Identifier: GPL-2.0-or-later
"""The way of a guest, from the events of the processes that had it.

And which status of a migration may follow which, at the source.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..vm.monitor import Event
from ..vm.vm import VM

# The statuses that tell one story from another.
LANDMARKS = ("pre-switchover", "ready", "completed", "failed", "cancelled")
COMPLETED = {"status": "completed"}
BEGIN = "none"
_ENDS = {"failed", "cancelling"}
_POSTCOPY = {"postcopy-device", "postcopy-active"}
# What cancelling ends with is told by the status itself.
NEXT: dict[str, set[str]] = {
    BEGIN: {"setup"},
    "setup": {"active", "wait-unplug", *_ENDS},
    "wait-unplug": {"active", *_ENDS},
    "active": {"pre-switchover", "ready", "device", *_POSTCOPY, *_ENDS},
    "pre-switchover": {"device", *_ENDS},
    "ready": {"device", *_ENDS},
    "device": {"completed", *_POSTCOPY, *_ENDS},
    "postcopy-device": {"postcopy-active", "postcopy-paused", "failed"},
    "postcopy-active": {"completed", "postcopy-paused", "failed"},
    "postcopy-paused": {"postcopy-recover-setup", "failed"},
    "postcopy-recover-setup": {"postcopy-recover", "postcopy-paused"},
    "postcopy-recover": {"postcopy-active", "postcopy-paused"},
    "cancelling": {"cancelled"},
    "completed": {"setup"},
    "failed": {"setup"},
    "cancelled": {"setup"},
}
UNDER_WAY = NEXT.keys() - {BEGIN, "completed", "failed", "cancelled"}


def statuses(source: VM) -> list[str]:
    """All statuses of all migrations from a VM, in order."""
    return [e.data["status"] for e in source.events if e.name == "MIGRATION"]


def outgoing(source: VM) -> list[str]:
    """The same without those of its own arrival, and of snapshots.

    Snapshots are migrations to QEMU.
    """
    commands, seen = source.monitor.commands, statuses(source)
    if "migrate-incoming" in commands:
        ends = [n for n, s in enumerate(seen) if s in ("completed", "failed")]
        seen = seen[ends[0] + 1 :] if ends else []
    return of_migrations(seen, commands.count("snapshot-save"))


def is_landmark(event: Event) -> bool:
    """Whether an event tells of a status that matters."""
    return event.name == "MIGRATION" and event.data["status"] in LANDMARKS


def stops(source: VM) -> int:
    """How often the guest at a VM was stopped."""
    return sum(event.name == "STOP" for event in source.events)


def downtime(source: VM, destination: VM) -> float | None:
    """From the source's last STOP to the destination's completed, in ms.

    By QEMU's own timestamps: a client reads an event late when many jobs talk.
    """
    stops = [event.time for event in source.events if event.name == "STOP"]
    ends = [e.time for e in destination.events if e.matches("MIGRATION", **COMPLETED)]
    return (ends[0] - stops[-1]) * 1000 if ends and stops else None


def recovery(source: VM, vms: Iterable[VM]) -> float | None:
    """From the first death of a process to the source's next RESUME, in ms."""
    deaths = [vm.ended_at for vm in vms if vm.killed and vm.ended_at]
    resumes = [event.time for event in source.events if event.name == "RESUME"]
    later = [time for time in resumes if deaths and time >= min(deaths)]
    return (later[0] - min(deaths)) * 1000 if later else None


def of_migrations(statuses: list[str], snapshots: int) -> list[str]:
    """Without those of snapshots, which go from setup to completed at once.

    `snapshots` is how many were asked for: what is left over has skipped something.
    """
    left: list[str] = []
    for status in statuses:
        if snapshots and status == "completed" and left[-1:] == ["setup"]:
            snapshots -= 1
            left.pop()
        else:
            left.append(status)
    return left


def illegal(statuses: Iterable[str]) -> str | None:
    """The first change of status that must not be, in words; None if there is none."""
    last = BEGIN
    for status in statuses:
        if status not in NEXT[last]:
            return f"status {status} after {last}"
        last = status
    return None
