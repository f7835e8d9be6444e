# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that needs no operating system: one sector that writes records.

It boots in a fraction of a second, in a few MiB of RAM, on any QEMU and accelerator
on which the BIOS runs. What it writes and says is what the Linux guest's writer does,
so record.py and the oracle can tell what was lost.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from ..core import paths
from ..core.command import CommandFailed, run
from ..core.errors import GuestFailed

SOURCE = paths.ROOT / "harness" / "guest" / "bootsector.s"
# The BIOS loads the sector to this address.
ADDRESS = 0x7C00
# It prints a disk's number as one digit.
MOST_DISKS = 10
# The BIOS does not read from a disk that is smaller than one cylinder.
IMAGE_BYTES = 1 << 20
# The BIOS's number for its first disk, which is the one that it boots from.
BOOT_DRIVE = 0x80


def assemble(disks: int, first_drive: int = BOOT_DRIVE, ticks: int = 1) -> bytes:
    """The sector, for a guest with this many disks to write to.

    `first_drive` is the BIOS's number of the first of them; the others follow. If it
    is BOOT_DRIVE, record number 256 overwrites the sector on its disk, and there is
    no second boot. `ticks`, of 55 ms, is from one round over all disks to the next;
    with 0 the guest writes as fast as it can. Raises GuestFailed, MissingTool.
    """
    if not 1 <= disks <= MOST_DISKS:
        raise ValueError(f"a boot sector writes to 1 to {MOST_DISKS} disks")
    symbols = {"DISKS": disks, "FIRST_DRIVE": first_drive, "TICKS": ticks}
    defined = [f"--defsym={name}={value}" for name, value in symbols.items()]
    with TemporaryDirectory() as temporary:
        object_file, linked = Path(temporary) / "o", Path(temporary) / "bin"
        try:
            run("as", "--32", *defined, "-o", object_file, SOURCE)
            flat = ("--oformat=binary", f"-Ttext={ADDRESS:#x}")
            run("ld", "-m", "elf_i386", *flat, "-o", linked, object_file)
        except CommandFailed as error:
            raise GuestFailed(
                f"{SOURCE.name} does not assemble ({error}); install binutils, or "
                "mend it"
            ) from None
        return linked.read_bytes()


def make(path: Path, disks: int, first_drive: int = BOOT_DRIVE + 1) -> None:
    """Make an image to boot from, which holds nothing else; see assemble()."""
    sector = assemble(disks, first_drive)
    with open(path, "wb") as file:
        file.write(sector)
        file.truncate(IMAGE_BYTES)
