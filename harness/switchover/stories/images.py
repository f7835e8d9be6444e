# SPDX-License-Identifier: GPL-2.0-or-later
"""The images of the mirrored disks, at both sides."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ..guest import disk

# Of all disks together; in bytes.
ALL_DISKS = 4 * disk.SIZE


class Images:
    """Disk i has one at the "source" and one at the "destination".

    `size` is in bytes; what compare() finds is in `differences`, by disk. If they
    are `shared` the destination has those of the source.
    """

    def __init__(
        self, folder: Path, disks: range, size: int | None = None, shared: bool = False
    ) -> None:
        self.differences: dict[int, disk.Difference] = {}
        self._folder = folder
        self._disks = disks
        self._size = size or min(disk.SIZE, ALL_DISKS // len(disks))
        self._shared = shared

    def path(self, side: str, number: int) -> Path:
        """Where the image of a disk is at this side."""
        return self._folder / f"{'source' if self._shared else side}{number}.raw"

    async def make(self) -> None:
        """Make all: a pattern at the source, nothing at the destination."""
        for i in self._disks:
            await asyncio.to_thread(disk.make, self.path("source", i), i, self._size)
            blank = self.path("destination", i)
            await asyncio.to_thread(disk.make_blank, blank, self._size)

    async def compare(self) -> bool:
        """Compare the two of each disk; whether they are equal."""
        for i in self._disks:
            pair = self.path("source", i), self.path("destination", i)
            self.differences[i] = await asyncio.to_thread(disk.compare, *pair)
        return not any(d.blocks for d in self.differences.values())
