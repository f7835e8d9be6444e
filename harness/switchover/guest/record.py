# SPDX-License-Identifier: GPL-2.0-or-later
"""The records that harness/guest/writer.c writes, and what it says about them.

A disk starts with SLOTS slots of one record each; the record with sequence
number n is in slot n % SLOTS. "ACK disk n" on the console means that fdatasync
returned success after record n was written.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

MAGIC = b"SWOVER01"
RECORD_BYTES = 4096
SLOTS = 256
REGION_BYTES = SLOTS * RECORD_BYTES
# magic, disk, checksum, sequence; writer.c has the same
HEADER = struct.Struct("<8sIIQ")
CHECKSUM = slice(12, 16)

# Complete lines only: a migration may cut one in two.
ACKNOWLEDGED = re.compile(r"^ACK (\d+) (\d+)\r?$\n", re.MULTILINE)
FAILED = re.compile(r"^ERR .*$", re.MULTILINE)

# The sequence number that was written last, by slot.
Slots = dict[int, int]


@dataclass(frozen=True)
class Report:
    """What the guest said: acknowledged records by disk, and failed writes."""

    acknowledged: dict[int, Slots]
    errors: tuple[str, ...]


def report(console: str) -> Report:
    """What a console's text says about records."""
    acknowledged: dict[int, Slots] = {}
    for disk, sequence in acknowledgements(console):
        # A guest that has been reset begins anew, and writes over what it has written.
        acknowledged.setdefault(disk, {})[sequence % SLOTS] = sequence
    errors = tuple(line.strip() for line in FAILED.findall(console))
    return Report(acknowledged, errors)


def acknowledgements(console: str) -> Iterator[tuple[int, int]]:
    """(disk, sequence number) of each acknowledged record, in order."""
    for match in ACKNOWLEDGED.finditer(console):
        yield int(match[1]), int(match[2])


def pack(disk: int, sequence: int) -> bytes:
    """A record as the guest writes it."""
    filler = bytes([sequence % 256]) * (RECORD_BYTES - HEADER.size)
    blank = HEADER.pack(MAGIC, disk, 0, sequence) + filler
    return HEADER.pack(MAGIC, disk, zlib.crc32(blank), sequence) + filler


def read(region: bytes, disk: int) -> Slots:
    """The valid records in a disk's region; a torn or foreign one is not."""
    found: Slots = {}
    for slot in range(SLOTS):
        data = bytearray(region[slot * RECORD_BYTES : (slot + 1) * RECORD_BYTES])
        if len(data) < RECORD_BYTES:
            break
        magic, owner, checksum, sequence = HEADER.unpack_from(data)
        data[CHECKSUM] = bytes(4)
        whole = magic == MAGIC and zlib.crc32(data) == checksum
        if whole and owner == disk and sequence % SLOTS == slot:
            found[slot] = sequence
    return found
