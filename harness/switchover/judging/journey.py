# SPDX-License-Identifier: GPL-2.0-or-later
"""The way of a guest, from the events of the processes that had it."""

from __future__ import annotations

from collections.abc import Iterable

from ..vm.monitor import Event
from ..vm.vm import VM
from .legal_statuses import of_migrations

# The statuses that tell one story from another.
LANDMARKS = ("pre-switchover", "ready", "completed", "failed", "cancelled")
COMPLETED = {"status": "completed"}


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
