# SPDX-License-Identifier: GPL-2.0-or-later
"""What processes need, and whether it grows."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ..vm.vm import VM, Died

# Memory is not given back to the system at once, and some of it is left to chance.
TOLERANCE = 1.1


@dataclass(frozen=True)
class Usage:
    """What a process needs at a moment: open descriptors, and resident memory."""

    descriptors: int
    kib: int

    @classmethod
    def of(cls, vm: VM) -> Usage:
        """What it needs now; raises Died."""
        process = Path("/proc") / str(vm.pid)
        try:
            descriptors = len(os.listdir(process / "fd"))
            kib = re.search(r"^VmRSS:\s+(\d+)", (process / "status").read_text(), re.M)
        except (FileNotFoundError, ProcessLookupError):
            kib = None
        if not kib:
            raise Died(f"{vm.name} has ended")
        return cls(descriptors, int(kib[1]))


def growth(usages: Sequence[Usage]) -> list[str]:
    """What the last third needs more of than the first, in words."""
    if len(usages) < 2:
        return []
    part = max(1, len(usages) // 3)
    first, last = usages[:part], usages[-part:]
    grown = []
    before, after = (median(s.descriptors for s in each) for each in (first, last))
    if after > before:
        grown.append(f"descriptors grow from {before:.0f} to {after:.0f}")
    before, after = (median(s.kib for s in each) for each in (first, last))
    if after > before * TOLERANCE:
        grown.append(f"memory grows from {before:.0f} to {after:.0f} KiB")
    return grown


def summary(what: str, usages: Sequence[Usage]) -> str:
    """The least, the most and the last, in words."""
    if not usages:
        return f"0 {what}"
    kib = [usage.kib for usage in usages]
    descriptors = [usage.descriptors for usage in usages]
    return (
        f"{len(usages)} {what}; descriptors {min(descriptors)} to "
        f"{max(descriptors)}, memory {min(kib)} to {max(kib)} KiB; "
        f"last {descriptors[-1]} and {kib[-1]}"
    )
