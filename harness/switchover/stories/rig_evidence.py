# SPDX-License-Identifier: GPL-2.0-or-later
"""Hands what a rig whose processes have all ended has left to the collector."""

from __future__ import annotations

from ..judging import evidence, journey
from ..judging.oracle import Evidence
from .rig import Rig


def collect(rig: Rig, with_guest: bool) -> Evidence:
    """All that was observed. What has not completed goes on at the source."""
    acknowledged = evidence.said(rig.vms).acknowledged
    completed = journey.outgoing(rig.source)[-1:] == ["completed"]
    owner = rig.owner or (None if completed else rig.source)
    disks = [
        evidence.Disk(
            name=f"disk{i}",
            number=i,
            image=rig.image(owner, i) if owner else None,
            difference=rig.images.differences.get(i),
            acknowledged=acknowledged.get(i, {}),
            written=with_guest,
        )
        for i in rig.disks
    ]
    disks += rig.shared.disks()
    destination = None if owner in (None, rig.source) else rig.destination
    return evidence.collect(rig.vms, disks, rig.notes, [rig.source], destination)
