# SPDX-License-Identifier: GPL-2.0-or-later
"""Records: what is packed is read back, what the guest says is understood."""

from __future__ import annotations

import pytest

from switchover.guest import record

CONSOLE = "READY\r\nACK 0 5\r\nACK 1 6\r\nERR 0 7 5\r\nACK 0 261\r\nACK 0 8"


def region(*records: tuple[int, int]) -> bytes:
    data = bytearray(record.REGION_BYTES)
    for disk, sequence in records:
        start = sequence % record.SLOTS * record.RECORD_BYTES
        data[start : start + record.RECORD_BYTES] = record.pack(disk, sequence)
    return bytes(data)


def test_what_is_written_is_found() -> None:
    assert record.read(region((0, 3), (0, 300)), 0) == {3: 3, 44: 300}


def test_a_record_of_another_disk_does_not_count() -> None:
    assert record.read(region((1, 3)), 0) == {}


def test_a_record_in_another_slot_does_not_count() -> None:
    moved = region((0, 3))[record.RECORD_BYTES :] + bytes(record.RECORD_BYTES)
    assert record.read(moved, 0) == {}


@pytest.mark.parametrize("byte", [0, record.HEADER.size, record.RECORD_BYTES - 1])
def test_a_torn_record_does_not_count(byte: int) -> None:
    data = bytearray(region((0, 0), (0, 1)))
    data[byte] ^= 1
    assert record.read(bytes(data), 0) == {1: 1}


def test_what_only_has_the_right_checksum_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = region((0, 0))
    monkeypatch.setattr(record, "MAGIC", b"SWOVER02")
    assert record.read(data, 0) == {}


def test_a_short_region_is_read_as_far_as_it_goes() -> None:
    assert record.read(region((0, 0), (0, 1))[: record.RECORD_BYTES + 9], 0) == {0: 0}


def test_the_newest_acknowledgement_of_a_slot_counts() -> None:
    assert record.report(CONSOLE).acknowledged == {0: {5: 261}, 1: {6: 6}}


def test_an_incomplete_line_is_no_acknowledgement() -> None:
    assert (0, 8) not in record.acknowledgements(CONSOLE)
    assert (0, 81) in record.acknowledgements(CONSOLE + "1\r\n")


def test_failed_writes_are_reported() -> None:
    assert record.report(CONSOLE).errors == ("ERR 0 7 5",)


def test_a_guest_that_was_reset_writes_over_what_it_wrote() -> None:
    said = "ACK 0 1\nACK 0 2\nACK 0 257\nACK 1 2\nACK 0 1\n"
    # What it has not written over has to be there as it was.
    assert record.report(said).acknowledged == {0: {1: 1, 2: 2}, 1: {2: 2}}
