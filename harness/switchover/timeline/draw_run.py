# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the timeline of a run, as text and as pictures, beside its logs."""

from __future__ import annotations

from pathlib import Path

from ..core import files
from ..judging import oracle
from ..judging.oracle import Evidence, VMEvidence
from ..stories.results_table import shortened
from ..stories.rig import Rig
from ..vm import trace
from ..vm.vm import VM
from . import picture, text, timeline
from .model import Side

NAME = "timeline"


def write(title: str, rig: Rig, evidence: Evidence) -> list[Path]:
    """Write timeline.txt, .png and .svg of a rig whose processes have ended."""
    sides = [_side(vm, seen) for vm, seen in zip(rig.vms, evidence.vms, strict=True)]
    folder = rig.source.folder
    story = timeline.build(title, sides)
    written = folder / f"{NAME}.txt"
    files.write(written, text.text(story))
    return [written, *picture.save(story, folder / NAME)]


def _side(vm: VM, seen: VMEvidence) -> Side:
    """What a process said; one that was never started said nothing."""
    log = vm.folder / f"{vm.name}.trace"
    traced = trace.parse(log.read_text(errors="replace")) if log.exists() else []
    crash = oracle.crash(seen) if vm.ended_at else None
    outcome = shortened(crash) if crash else ""
    times = [*(e.time for e in vm.events), *(t.time for t in traced)]
    end = max([vm.ended_at or 0, *times])
    return Side(vm.name, tuple(vm.events), tuple(traced), end, outcome)
