# SPDX-License-Identifier: GPL-2.0-or-later
"""An initramfs in the "newc" cpio format, the same bytes for the same content.

The format is in the kernel's Documentation/driver-api/early-userspace/
buffer-format.rst. It is so small that writing it takes less than calling cpio.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import PurePosixPath

DIRECTORY = stat.S_IFDIR | 0o755
PROGRAM = stat.S_IFREG | 0o755
END = "TRAILER!!!"


def pack(files: Mapping[str, bytes]) -> bytes:
    """The archive with these files (path without leading slash: content).

    All are executable; the folders above them are made.
    """
    parents = {str(p) for name in files for p in PurePosixPath(name).parents}
    entries = [(name, DIRECTORY, b"") for name in sorted(parents - {"."})]
    entries += [(name, PROGRAM, files[name]) for name in sorted(files)]
    members = [_member(i, *entry) for i, entry in enumerate(entries, 1)]
    return b"".join([*members, _member(0, END, 0, b"")])


def _member(inode: int, name: str, mode: int, content: bytes) -> bytes:
    path = name.encode() + b"\0"
    links, nothing = 1, 0
    # inode, mode, uid, gid, links, time, size, device and rdevice (two each),
    # length of the name, checksum (none)
    numbers = [inode, mode, 0, 0, links, nothing, len(content), 0, 0, 0, 0]
    numbers += [len(path), nothing]
    header = b"070701" + b"".join(b"%08x" % number for number in numbers)
    return _padded(header + path) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
