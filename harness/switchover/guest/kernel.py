# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest: Debian's cloud kernel, and an initramfs that writes records.

The kernel and busybox are of the machine's own Debian suite. It boots to its
marker in about 2 s under TCG, with 128 MiB.
"""

from __future__ import annotations

import hashlib
import lzma
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..core import debian, files, paths
from ..core.command import CommandFailed, run
from ..core.errors import GuestFailed
from ..core.progress import Progress
from . import initramfs

SOURCES = paths.ROOT / "harness" / "guest"
KERNEL_PACKAGE = "linux-image-cloud-amd64"
BUSYBOX_PACKAGE = "busybox-static"
# In the order in which they depend on each other.
MODULES = (
    "virtio_ring",
    "virtio",
    "virtio_pci_modern_dev",
    "virtio_pci_legacy_dev",
    "virtio_pci",
    "virtio_blk",
)
PROGRAMS = ("writer", "load")
MARKER = "READY"
MEMORY_MIB = 128


@dataclass(frozen=True)
class Guest:
    """A kernel and an initramfs in a folder that is named by their content."""

    directory: Path

    @property
    def kernel(self) -> Path:
        return self.directory / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.directory / "initrd"

    @property
    def key(self) -> str:
        return self.directory.name


def ensure(progress: Progress) -> Guest:
    """The guest, made if it isn't there; raises SourceUnavailable, GuestFailed."""
    kernel = _kernel_package()
    busybox = debian.download_packages([BUSYBOX_PACKAGE])[BUSYBOX_PACKAGE]
    busybox_program = _only(busybox.glob("**/bin/busybox"), "busybox")
    sources = (SOURCES / "init", *(SOURCES / f"{name}.c" for name in PROGRAMS))
    version = debian.control(kernel)["version"]
    guest = Guest(paths.GUEST / key(version, [busybox_program, *sources]))
    if not guest.directory.is_dir():
        with progress.step("making the guest"):
            _make(guest, kernel, busybox_program)
    return guest


def key(version: str, files: Iterable[Path]) -> str:
    """A name that changes with the kernel's version and what goes in."""
    digest = hashlib.sha256(version.encode())
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _kernel_package() -> Path:
    """The unpacked package that the metapackage depends on."""
    meta = debian.download_packages([KERNEL_PACKAGE])[KERNEL_PACKAGE]
    depends = debian.control(meta).get("depends", "")
    found = re.search(r"linux-image-\S+", depends)
    if not found:
        raise GuestFailed(
            f"{KERNEL_PACKAGE} names no kernel ({depends!r}); delete {meta} and try "
            "again"
        )
    return debian.download_packages([found[0]])[found[0]]


def _make(guest: Guest, kernel: Path, busybox: Path) -> None:
    """A guest is whole or not there."""
    with files.fresh(guest.directory) as folder:
        folder.mkdir()
        content = {
            "init": (SOURCES / "init").read_bytes(),
            "bin/busybox": busybox.read_bytes(),
            **{name: _compiled(SOURCES / f"{name}.c") for name in PROGRAMS},
            **modules(kernel),
        }
        fresh = Guest(folder)
        fresh.initrd.write_bytes(initramfs.pack(content))
        image = _only(kernel.glob("boot/vmlinuz-*"), "kernel")
        fresh.kernel.write_bytes(image.read_bytes())


def _compiled(source: Path) -> bytes:
    with TemporaryDirectory() as folder:
        program = Path(folder) / source.stem
        try:
            run("gcc", "-static", "-O2", "-Wall", "-Werror", "-o", program, source)
        except CommandFailed as error:
            raise GuestFailed(
                f"{source.name} does not compile ({error}); install gcc and "
                "libc6-dev, or mend it"
            ) from None
        return program.read_bytes()


def modules(kernel: Path) -> dict[str, bytes]:
    """The modules of an unpacked kernel, under names that sort in load order.

    One that isn't there is part of the kernel; if it is not, the guest has no
    disk and never reaches its marker.
    """
    found = {}
    for number, name in enumerate(MODULES):
        for path in kernel.glob(f"**/{name}.ko*"):
            content = path.read_bytes()
            if path.suffix == ".xz":
                content = lzma.decompress(content)
            found[f"modules/{number}-{name}.ko"] = content
    return found


def _only(paths_found: Iterable[Path], what: str) -> Path:
    found = list(paths_found)
    if len(found) != 1:
        raise GuestFailed(
            f"the Debian package has {len(found)} files that may be the {what}, not "
            f"one; delete {paths.CACHE / 'packages'} and run it again"
        )
    return found[0]
