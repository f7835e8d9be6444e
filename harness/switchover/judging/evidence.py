# SPDX-License-Identifier: GPL-2.0-or-later
"""The one collector: what stories, processes and disks have left, for the oracle.

All processes have to have ended before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..guest import disk, record
from ..vm.vm import VM
from . import journey
from .oracle import DiskEvidence, Evidence, VMEvidence


@dataclass
class Notes:
    """Errors, in order; the writers that `ready` listed; what should not have been.

    `hang` is the text of a hang; `slowest` the longest time that the source took to
    answer, in milliseconds.
    """

    errors: list[str] = field(default_factory=list)
    writers: list[str] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    hang: str | None = None
    slowest: float | None = None

    def check(self, holds: bool, surprise: str) -> None:
        """Note a surprise unless it holds."""
        if not holds:
            self.surprises.append(surprise)


def collect(
    vms: Sequence[VM],
    disks: Iterable[DiskEvidence],
    notes: Notes,
    sources: Sequence[VM],
    destination: VM | None = None,
) -> Evidence:
    """All that was observed.

    `sources` are the processes whose migrations are judged, in order; `destination`
    is where the guest is in the end, if it has moved.
    """
    statuses = [journey.outgoing(vm) for vm in sources]
    wrong = [w for way in statuses if (w := journey.illegal(way))]
    return Evidence(
        vms=tuple(map(of_vm, vms)),
        disks=tuple(disks),
        journey=tuple(s for way in statuses for s in way if s in journey.LANDMARKS),
        errors=tuple(notes.errors),
        writers=tuple(notes.writers),
        guest_errors=said(vms).errors,
        surprises=tuple(dict.fromkeys([*notes.surprises, *wrong])),
        hang=notes.hang,
        stops=sum(map(journey.stops, sources)),
        downtime=journey.downtime(sources[-1], destination) if destination else None,
        slowest=notes.slowest,
        recovery=journey.recovery(sources[-1], vms),
    )


def said(vms: Iterable[VM]) -> record.Report:
    """What one guest said on the consoles of the processes that had it.

    A line that the switchover cut in two is whole again when they are joined.
    """
    return record.report("".join(vm.console.text for vm in vms))


def of_vm(vm: VM) -> VMEvidence:
    """How a process has ended."""
    return VMEvidence(vm.name, vm.exit_code, vm.told_to_quit, vm.killed, vm.stderr)


def found(image: Path | None, number: int, start: int = 0) -> record.Slots | None:
    """The records of disk `number` from byte `start` on, in the image that goes on.

    One that is not there was not read.
    """
    there = image if image and image.exists() else None
    return disk.records(there, number, start) if there else None
