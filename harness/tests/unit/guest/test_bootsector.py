# SPDX-License-Identifier: GPL-2.0-or-later
"""The boot sector is one sector that a BIOS takes for one. That it runs needs QEMU."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchover.guest import bootsector


def test_it_is_one_bootable_sector() -> None:
    sector = bootsector.assemble(disks=2)
    assert len(sector) == 512
    assert sector.endswith(b"\x55\xaa")


def test_what_it_is_given_changes_it() -> None:
    made = {
        bootsector.assemble(2, drive, ticks) for drive in (1, 2) for ticks in (0, 1)
    }
    assert len(made) == 4


@pytest.mark.parametrize("disks", [0, bootsector.MOST_DISKS + 1])
def test_it_writes_to_few_disks(disks: int) -> None:
    with pytest.raises(ValueError):
        bootsector.assemble(disks)


def test_an_image_is_large_enough_for_the_bios(tmp_path: Path) -> None:
    image = tmp_path / "boot.raw"
    bootsector.make(image, 1)
    assert image.stat().st_size == bootsector.IMAGE_BYTES
    assert image.read_bytes().startswith(bootsector.assemble(1, 0x81))
