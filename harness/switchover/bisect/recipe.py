# SPDX-License-Identifier: GPL-2.0-or-later
"""How a revision is built, found out by looking into its source."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ..core import paths
from ..qemu import configure
from . import python2

# What every QEMU's configure takes.
COMMON = [
    "--target-list=x86_64-softmmu",
    "--disable-docs",
    # Else the name of the commit may be in the programs, which are compared.
    "--with-pkgversion=bisect",
    "--cc=ccache gcc",
]
# What is not optimised, and not for debuggers, is compiled in a third of the time.
QUICK = ["--disable-werror", "--disable-debug-info"]
FLAGS = "-O0 -U_FORTIFY_SOURCE"
# What is wanted where configure knows it. VNC stays: some commits of 2016
# segfault at their start without.
WANTED = [
    "--without-default-features",
    "--enable-tcg",
    "--enable-tools",
    "--disable-download",
    "--disable-install-blobs",
    "--disable-blobs",
]
UNWANTED = """
    attr bluez brlapi bzip2 cap-ng capstone curl curses fdt gio glusterfs gnutls gtk
    guest-agent kvm libiscsi libnfs libpmem libssh libssh2 libusb libxml2 linux-aio
    live-block-migration lzo numa opengl rbd rdma sdl seccomp slirp smartcard snappy
    spice tpm usb-redir vde vhost-user virglrenderer virtfs vnc-sasl vte xen xfsctl
"""
# glibc got a memfd_create() of its own in 2018; sys/mman.h has to be included
# before the name is taken. Fortified sources turn every switch of a coroutine
# into "longjmp causes uninitialized stack frame" when a header comes first.
HEADER = """\
#ifndef SWITCHOVER_OLD_QEMU_H
#define SWITCHOVER_OLD_QEMU_H
#ifndef __ASSEMBLER__
#define _GNU_SOURCE 1
#include <sys/mman.h>
#define memfd_create qemu_own_memfd_create
#endif
#endif
"""
# Where QEMUs before 2.12 look for glibc's: there is no such file, so they take
# their own.
OWN_MEMFD = "<sys/memfd.h>"
NO_PYTHON_3 = "Python 3 or later is not yet supported"


@dataclass(frozen=True)
class Recipe:
    """A configure line, what compiles, the targets, and where the emulator is."""

    options: tuple[str, ...]
    program: tuple[str, ...]
    targets: tuple[str, ...]
    system: str
    is_old: bool


def of(source: Path, own_options: bool = False) -> Recipe:
    """The recipe for a source tree; leanest, or with the options of our builds.

    Raises MissingTool if it needs a Python 2 that can't be had.
    """
    if own_options:
        return _meson([*configure.OPTIONS, python3()])
    text = _texts(source)
    options = [*COMMON, *(option for option in WANTED if _knows(text, option))]
    if (source / "meson.build").is_file():
        if "--without-default-features" not in options:
            options += _disabled(text)
        if _knows(text, "--meson"):
            # Its own was a submodule. Another one excludes --python; then it is
            # the first in the PATH, which is the venv's as well.
            options.append(f"--meson={paths.VENV / 'bin' / 'meson'}")
        else:
            options.append(python3())
        return _meson(options)
    options += [*QUICK, *_disabled(text)]
    if NO_PYTHON_3 in text:
        options.append(f"--python={python2.ensure()}")
    else:
        options.append(python3())
    rules = (source / "Makefile").read_text()
    emulator = "x86_64-softmmu"
    target = f"subdir-{emulator}" if "subdir-%:" in rules else f"{emulator}/all"
    return Recipe(
        options=tuple(options),
        program=("make", f"-j{os.cpu_count()}"),
        targets=(target, "qemu-img"),
        system=f"{emulator}/qemu-system-x86_64",
        is_old=True,
    )


def python3() -> str:
    """The option that names the venv's Python."""
    return f"--python={paths.VENV / 'bin' / 'python'}"


def header(source: Path) -> str:
    """What is included by force; nothing where QEMU takes glibc's memfd_create()."""
    return HEADER if OWN_MEMFD in _texts(source) else ""


def needs_python2(configure_text: str) -> bool:
    """Whether a revision's configure script refuses Python 3."""
    return NO_PYTHON_3 in configure_text


def _meson(options: list[str]) -> Recipe:
    system = "qemu-system-x86_64"
    options += [*QUICK, f"--extra-cflags={FLAGS}"]
    return Recipe(tuple(options), ("ninja",), (system, "qemu-img"), system, False)


def _texts(source: Path) -> str:
    """All that says which options there are."""
    files = (source / "configure", source / "scripts" / "meson-buildoptions.sh")
    return "\n".join(file.read_text() for file in files if file.is_file())


def _disabled(text: str) -> list[str]:
    options = [f"--disable-{name}" for name in UNWANTED.split()]
    return [option for option in options if _knows(text, option)]


def _knows(text: str, option: str) -> bool:
    """Whether an option is handled: not merely part of a longer one's name."""
    return bool(re.search(rf"(?<![\w-]){option}(?![\w-])", text))
