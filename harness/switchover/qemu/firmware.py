# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's firmware, where a QEMU that is not installed looks for its own."""

from __future__ import annotations

from pathlib import Path

from ..core import debian

FOLDERS = {
    "seabios": "usr/share/seabios",
    "qemu-system-data": "usr/share/qemu",
    "ipxe-qemu": "usr/lib/ipxe/qemu",
}
BUNDLE = "qemu-bundle/usr/local/share/qemu"


def link(directory: Path) -> None:
    """Put links to the firmware into a build folder, so that -L is not needed.

    What the build has put there itself stays. Raises SourceUnavailable.
    """
    bundle = directory / BUNDLE
    bundle.mkdir(parents=True, exist_ok=True)
    for name, package in debian.download_packages(list(FOLDERS)).items():
        for file in (package / FOLDERS[name]).iterdir():
            place = bundle / file.name
            if file.is_file() and not place.exists():
                place.unlink(missing_ok=True)
                place.symlink_to(file)
