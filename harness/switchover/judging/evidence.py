# SPDX-License-Identifier: GPL-2.0-or-later
"""The one collector: what processes and their disks have left behind, for the oracle.

All processes have to have ended before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..guest import disk, record
from ..vm.vm import VM
from . import journey, legal_statuses
from .notes import Notes
from .oracle import DiskEvidence, Evidence, VMEvidence


@dataclass(frozen=True)
class Disk:
    """A disk, and where its records are looked for.

    `image` is of the side that goes on, None if none does; there the records of disk
    `number` begin at byte `start`. `difference` is None if its images were not
    compared, `acknowledged` what its writer was told. `must_match` and `written` are
    as in DiskEvidence.
    """

    name: str
    number: int
    image: Path | None
    difference: disk.Difference | None
    acknowledged: record.Slots
    start: int = 0
    must_match: bool = True
    written: bool = True


def collect(
    vms: Sequence[VM],
    disks: Iterable[Disk],
    notes: Notes,
    sources: Sequence[VM],
    destination: VM | None = None,
) -> Evidence:
    """All that was observed.

    `sources` are the processes whose migrations are judged, in order; `destination`
    is where the guest is in the end, if it has moved.
    """
    statuses = [journey.outgoing(vm) for vm in sources]
    wrong = [w for way in statuses if (w := legal_statuses.illegal(way))]
    return Evidence(
        vms=tuple(map(of_vm, vms)),
        disks=tuple(map(of_disk, disks)),
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


def of_disk(one: Disk) -> DiskEvidence:
    """What is in a disk's images; one that is not there was not read."""
    image = one.image if one.image and one.image.exists() else None
    return DiskEvidence(
        name=one.name,
        differing=one.difference.blocks if one.difference else None,
        first=one.difference.first if one.difference else None,
        acknowledged=one.acknowledged,
        found=disk.records(image, one.number, one.start) if image else None,
        must_match=one.must_match,
        written=one.written,
    )
