# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's firmware, where a QEMU that is not installed looks for its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..core import debian
from ..core.errors import SourceUnavailable

# A file of each package that is needed; which folder it is in depends on the release.
NEEDED = {
    "seabios": "bios-256k.bin",
    "qemu-system-data": "linuxboot_dma.bin",
    "ipxe-qemu": "efi-e1000e.rom",
}
BUNDLE = "qemu-bundle/usr/local/share/qemu"


def link(directory: Path) -> None:
    """Put links to the firmware into a build folder, so that -L is not needed.

    What the build has put there itself stays. Raises SourceUnavailable.
    """
    bundle = directory / BUNDLE
    bundle.mkdir(parents=True, exist_ok=True)
    for name, package in debian.download_packages(list(NEEDED)).items():
        for file in _beside(package, NEEDED[name]):
            place = bundle / file.name
            if not place.exists():
                place.unlink(missing_ok=True)
                place.symlink_to(file)


def _beside(package: Path, needed: str) -> Iterator[Path]:
    """All files of the folder of an unpacked package that has the one needed."""
    found = next(package.glob(f"usr/**/{needed}"), None)
    if found is None:
        raise SourceUnavailable(
            f"Debian's package {package.name} has no {needed}; Debian 12 and 13 are "
            "supported"
        )
    return (file for file in found.parent.iterdir() if file.is_file())
