# SPDX-License-Identifier: GPL-2.0-or-later
"""Collects the evidence of a rig whose processes have all ended."""

from __future__ import annotations

from ..guest import disk, record
from ..judging import journey, legal_statuses
from ..judging.oracle import DiskEvidence, Evidence, VMEvidence
from ..vm.vm import VM
from .rig import Rig


def collect(rig: Rig, hang: str | None) -> Evidence:
    """All that was observed; `hang` is the text of a hang, if there was one."""
    # One guest, several consoles: a line that the switchover cut in two is whole
    # again when they are joined.
    said = record.report("".join(vm.console.text for vm in rig.vms))
    moved = rig.owner not in (None, rig.source)
    return Evidence(
        vms=tuple(_vm(vm) for vm in rig.vms),
        disks=tuple(_disk(rig, i, said) for i in rig.disks),
        journey=journey.journey(rig.source),
        errors=tuple(rig.notes.errors),
        writers=tuple(rig.notes.writers),
        guest_errors=said.errors,
        surprises=(*rig.notes.surprises, *_disorder(rig)),
        hang=hang,
        stops=journey.stops(rig.source),
        downtime=journey.downtime(rig.source, rig.destination) if moved else None,
        slowest=rig.notes.slowest,
        recovery=journey.recovery(rig.source, rig.vms),
    )


def _disorder(rig: Rig) -> list[str]:
    """A status of the source's migrations that was skipped or came twice."""
    wrong = legal_statuses.illegal(journey.without_snapshots(rig.source))
    return [wrong] if wrong else []


def _disk(rig: Rig, number: int, said: record.Report) -> DiskEvidence:
    difference = rig.differences.get(number)
    found = disk.records(rig.image(rig.owner, number), number) if rig.owner else None
    return DiskEvidence(
        number=number,
        differing=difference.blocks if difference else None,
        first=difference.first if difference else None,
        acknowledged=said.acknowledged.get(number, {}),
        found=found,
    )


def _vm(vm: VM) -> VMEvidence:
    return VMEvidence(vm.name, vm.exit_code, vm.told_to_quit, vm.killed, vm.stderr)
