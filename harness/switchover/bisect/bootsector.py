# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest of 512 bytes, for a QEMU of any age: it writes to its disk without end.

Each write is one sector at the start of another block of 64 KiB, by BIOS
interrupt 13h: the granularity of a mirror, which thus has a hundred times as much
to copy. When the BIOS says that it is done, the guest says so in one byte on
port 0xE9.
"""

from __future__ import annotations

import struct

from ..guest.disk import BLOCK, SIZE

ORIGIN = 0x7C00
BUFFER = 0x8000
SECTOR = 512
# The first block holds this sector. A power of two, so that a mask will do.
BLOCKS = SIZE // BLOCK // 2
PORT = 0xE9
# Below the code, which is shorter.
PACKET, COUNTER, DRIVE = ORIGIN + 0x100, ORIGIN + 0x110, ORIGIN + 0x114
PACKET_LBA = PACKET + 8


def image() -> bytes:
    """The boot sector."""
    sector = bytearray(SECTOR)
    code = _code()
    sector[: len(code)] = code
    packet = struct.pack("<BBHHHQ", 16, 0, 1, BUFFER, 0, 0)
    sector[PACKET - ORIGIN : PACKET - ORIGIN + len(packet)] = packet
    sector[-2:] = b"\x55\xaa"
    return bytes(sector)


def _code() -> bytes:
    start = b"".join(
        [
            b"\xfa\x31\xc0",  # cli; xor ax, ax
            b"\x8e\xd8\x8e\xc0\x8e\xd0",  # mov ds, ax; mov es, ax; mov ss, ax
            b"\xbc" + _word(ORIGIN),  # mov sp, ORIGIN
            b"\xfb",  # sti
            b"\x88\x16" + _word(DRIVE),  # mov [DRIVE], dl
        ]
    )
    write = b"".join(
        [
            b"\x66\xff\x06" + _word(COUNTER),  # inc dword [COUNTER]
            b"\x66\xa1" + _word(COUNTER),  # mov eax, [COUNTER]
            b"\x66\xa3" + _word(BUFFER),  # mov [BUFFER], eax
            b"\x66\x25" + _long(BLOCKS - 1),  # and eax, BLOCKS - 1
            b"\x66\x40",  # inc eax
            b"\x66\xc1\xe0" + _shift(),  # shl eax, sectors of a block
            b"\x66\xa3" + _word(PACKET_LBA),  # mov [PACKET_LBA], eax
            b"\xbe" + _word(PACKET),  # mov si, PACKET
            b"\xb8\x00\x43",  # mov ax, 4300h: extended write
            b"\x8a\x16" + _word(DRIVE),  # mov dl, [DRIVE]
            b"\xcd\x13",  # int 13h
        ]
    )
    say = b"\xe6" + bytes([PORT])  # out PORT, al
    failed = b"\x72" + bytes([len(say)])  # jc past it
    loop = write + failed + say
    again = b"\xe9" + struct.pack("<h", -(len(loop) + 3))  # jmp to the next write
    return start + loop + again


def _word(value: int) -> bytes:
    return struct.pack("<H", value)


def _long(value: int) -> bytes:
    return struct.pack("<I", value)


def _shift() -> bytes:
    return bytes([(BLOCK // SECTOR).bit_length() - 1])
