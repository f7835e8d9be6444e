# SPDX-License-Identifier: GPL-2.0-or-later
"""Raw disk images: made, compared, and searched for records."""

from __future__ import annotations

import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..core import files, paths
from . import record

KIB = 1 << 10
MIB = 1 << 20
SIZE = 64 * MIB
# The granularity of a mirror's dirty bitmap, hence of what it can lose.
BLOCK = 64 << 10


@dataclass(frozen=True)
class Difference:
    """How many blocks of 64 KiB differ, and the first byte of the first one."""

    blocks: int
    first: int | None


def make(path: Path, number: int = 0, size: int | None = None) -> None:
    """Disk `number`: a fixed pattern without zero blocks, another for each disk.

    `size` is in bytes, and SIZE if not given, which it can't exceed.
    """
    pattern = _pattern()
    start = number * MIB % SIZE
    with open(pattern, "rb") as source, open(path, "wb") as target:
        source.seek(start)
        shutil.copyfileobj(source, target, MIB)
        source.seek(0)
        target.write(source.read(start))
        target.truncate(size or SIZE)


def make_blank(path: Path, size: int | None = None) -> None:
    """A disk that reads as zeroes, so each block differs; `size` is in bytes."""
    with open(path, "wb") as file:
        file.truncate(size or SIZE)


def compare(left: Path, right: Path, start: int = 0) -> Difference:
    """Compare two images of the same size, block by block.

    `start` is where to begin, in bytes; a multiple of 1 MiB.
    """
    blocks, first = 0, None
    with open(left, "rb") as one, open(right, "rb") as other:
        one.seek(start)
        other.seek(start)
        for offset in range(start, max(map(os.path.getsize, (left, right))), MIB):
            a, b = one.read(MIB), other.read(MIB)
            if a == b:
                continue
            for at in range(0, MIB, BLOCK):
                if a[at : at + BLOCK] != b[at : at + BLOCK]:
                    blocks += 1
                    first = offset + at if first is None else first
    return Difference(blocks, first)


def records(path: Path, number: int, start: int = 0) -> record.Slots:
    """The newest valid record of each slot of disk `number`, from byte `start` on."""
    with open(path, "rb") as file:
        file.seek(start)
        return record.read(file.read(record.REGION_BYTES), number)


def _pattern() -> Path:
    """A cached file of pseudo-random bytes, the same on every machine."""
    path = paths.GUEST / f"pattern-{SIZE}.raw"
    if not path.exists():
        with files.fresh(path) as made:
            made.write_bytes(random.Random(SIZE).randbytes(SIZE))
    return path
