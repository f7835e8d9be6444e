# SPDX-License-Identifier: GPL-2.0-or-later
"""Images: each disk another pattern, and no difference escapes."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchover.core import paths
from switchover.guest import disk, record


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(disk, "SIZE", 4 * disk.MIB)
    monkeypatch.setattr(paths, "GUEST", tmp_path / "guest")


def test_a_disk_is_the_same_each_time_and_unlike_the_others(tmp_path: Path) -> None:
    for name, number in (("a", 1), ("b", 1), ("c", 2)):
        disk.make(tmp_path / name, number)
    assert disk.compare(tmp_path / "a", tmp_path / "b") == disk.Difference(0, None)
    assert disk.compare(tmp_path / "a", tmp_path / "c").blocks == 64


def test_no_block_of_a_disk_is_zero(tmp_path: Path) -> None:
    disk.make(tmp_path / "full", 0)
    disk.make_blank(tmp_path / "blank")
    assert disk.compare(tmp_path / "full", tmp_path / "blank") == disk.Difference(64, 0)


def test_one_byte_is_found(tmp_path: Path) -> None:
    disk.make(tmp_path / "a", 0)
    disk.make(tmp_path / "b", 0)
    offset = 3 * disk.MIB + 5 * disk.BLOCK + 17
    with open(tmp_path / "b", "r+b") as file:
        file.seek(offset)
        (byte,) = file.read(1)
        file.seek(offset)
        file.write(bytes([byte ^ 1]))
    expected = disk.Difference(1, offset // disk.BLOCK * disk.BLOCK)
    assert disk.compare(tmp_path / "a", tmp_path / "b") == expected


def test_what_is_before_the_start_does_not_count(tmp_path: Path) -> None:
    disk.make(tmp_path / "full", 0)
    disk.make_blank(tmp_path / "blank")
    pair = tmp_path / "full", tmp_path / "blank"
    assert disk.compare(*pair, disk.MIB) == disk.Difference(48, disk.MIB)


def test_both_are_looked_at_from_the_start_on(tmp_path: Path) -> None:
    disk.make(tmp_path / "a", 0)
    content = (tmp_path / "a").read_bytes()
    (tmp_path / "b").write_bytes(bytes(disk.MIB) + content[disk.MIB :])
    same = disk.compare(tmp_path / "a", tmp_path / "b", disk.MIB)
    assert same == disk.Difference(0, None)


@pytest.mark.parametrize("missing", [1, 33])
def test_a_missing_end_is_a_difference(tmp_path: Path, missing: int) -> None:
    whole, cut = tmp_path / "a", tmp_path / "b"
    disk.make(whole, 0)
    first = disk.SIZE - missing * disk.BLOCK
    cut.write_bytes(whole.read_bytes()[:first])
    for pair in ((whole, cut), (cut, whole)):
        assert disk.compare(*pair) == disk.Difference(missing, first)


def test_a_disk_is_as_large_as_asked_for(tmp_path: Path) -> None:
    for make in (disk.make, disk.make_blank):
        make(tmp_path / "a")
        make(tmp_path / "b", size=disk.MIB)
        sizes = [(tmp_path / name).stat().st_size for name in "ab"]
        assert sizes == [disk.SIZE, disk.MIB]


def test_records_are_found_where_the_region_starts(tmp_path: Path) -> None:
    before = record.pack(3, 0) * record.SLOTS
    (tmp_path / "a").write_bytes(before + record.pack(3, 256))
    assert disk.records(tmp_path / "a", 3, record.REGION_BYTES) == {0: 256}


def test_records_are_found_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(record.pack(3, 0) + record.pack(3, 1))
    assert disk.records(tmp_path / "a", 3) == {0: 0, 1: 1}
