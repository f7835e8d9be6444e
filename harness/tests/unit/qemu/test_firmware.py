# SPDX-License-Identifier: GPL-2.0-or-later
"""Firmware out of Debian's packages, wherever a release keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchover.core.errors import SourceUnavailable
from switchover.qemu import firmware

BOOKWORM = {
    "seabios": "usr/share/seabios",
    "qemu-system-data": "usr/share/qemu",
    "ipxe-qemu": "usr/lib/ipxe/qemu",
}
TRIXIE = {**BOOKWORM, "ipxe-qemu": "usr/share/qemu"}


def unpack(project: Path, folders: dict[str, str]) -> dict[str, Path]:
    """Stand-ins for a release's packages."""
    for name, folder in folders.items():
        place = project / name / folder
        place.mkdir(parents=True)
        (place / firmware.NEEDED[name]).write_text(name)
        (place / "own.bin").write_text(name)
        document = project / name / "usr/share/doc" / name / "copyright"
        document.parent.mkdir(parents=True)
        document.touch()
    return {name: project / name for name in folders}


@pytest.mark.parametrize("folders", [BOOKWORM, TRIXIE], ids=["bookworm", "trixie"])
def test_it_is_linked_beside_what_the_build_put_there(
    project: Path, monkeypatch: pytest.MonkeyPatch, folders: dict[str, str]
) -> None:
    packages = unpack(project, folders)
    monkeypatch.setattr(
        "switchover.core.debian.download_packages", lambda _names: packages
    )
    bundle = project / "folder" / firmware.BUNDLE
    bundle.mkdir(parents=True)
    (bundle / "own.bin").write_text("the build's")
    (bundle / "bios-256k.bin").symlink_to("/gone")
    for _ in range(2):
        firmware.link(project / "folder")
        assert (bundle / "bios-256k.bin").read_text() == "seabios"
        assert (bundle / "efi-e1000e.rom").read_text() == "ipxe-qemu"
        assert (bundle / "own.bin").read_text() == "the build's"
        assert not (bundle / "copyright").exists()


def test_a_package_that_lacks_it_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = unpack(project, BOOKWORM)
    (project / "seabios/usr/share/seabios/bios-256k.bin").unlink()
    monkeypatch.setattr(
        "switchover.core.debian.download_packages", lambda _names: packages
    )
    with pytest.raises(SourceUnavailable, match=r"seabios has no bios-256k\.bin"):
        firmware.link(project / "folder")
