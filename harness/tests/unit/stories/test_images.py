# SPDX-License-Identifier: GPL-2.0-or-later
"""Images: what differs is found, on whichever disk it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from switchover.guest import disk
from switchover.stories.images import Images


@pytest.mark.parametrize("different", [(), (0,), (1,), (0, 1)])
def test_they_are_equal_if_those_of_each_disk_are(
    tmp_path: Path, different: tuple[int, ...]
) -> None:
    images = Images(tmp_path, range(2), disk.MIB)
    for i in range(2):
        disk.make_blank(images.path("destination", i), disk.MIB)
        with images.path("source", i).open("wb") as file:
            file.truncate(disk.MIB)
            file.seek(disk.BLOCK)
            file.write(b"x" * (i in different))
    assert asyncio.run(images.compare()) is (different == ())
    assert {i: (d.blocks, d.first) for i, d in images.differences.items()} == {
        i: (1, disk.BLOCK) if i in different else (0, None) for i in range(2)
    }


def test_before_anything_is_copied_all_is_different(tmp_path: Path) -> None:
    images = Images(tmp_path, range(2), disk.MIB)
    asyncio.run(images.make())
    assert not asyncio.run(images.compare())
    blocks = [difference.blocks for difference in images.differences.values()]
    assert blocks == [disk.MIB // disk.BLOCK] * 2


def test_shared_ones_are_at_the_source(tmp_path: Path) -> None:
    images = Images(tmp_path, range(1), shared=True)
    assert images.path("destination", 0) == images.path("source", 0)
