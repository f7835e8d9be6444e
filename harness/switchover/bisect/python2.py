# SPDX-License-Identifier: GPL-2.0-or-later
"""Python 2.7, which QEMU's build needed until 2018."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..core import debian, files, paths
from ..core.command import CommandFailed, run
from ..core.errors import MissingTool, SourceUnavailable

# The last suite that has it.
SUITE = "bullseye"
PACKAGES = ["python2.7-minimal", "libpython2.7-minimal", "libpython2.7-stdlib"]
NAMES = ("python2.7", "python2")
PROGRAM = Path("usr/bin/python2.7")
# Of what QEMU's scripts import, what can be missing.
PROBE = "import json, os, re, struct, ast, optparse; assert __import__('sys')"


def ensure() -> Path:
    """The machine's own, else Debian's, unpacked; raises MissingTool."""
    for name in NAMES:
        found = shutil.which(name)
        if found and _works(Path(found)):
            return Path(found)
    target = paths.CACHE / "python2"
    if not target.is_dir():
        _unpack(target)
    return target / PROGRAM


def _works(program: Path) -> bool:
    """Whether it is not a mere stand-in that says which versions there are."""
    try:
        run(program, "-c", PROBE)
    except CommandFailed:
        return False
    return True


def _unpack(target: Path) -> None:
    """Put the packages into one folder: it finds its library beside itself."""
    try:
        packages = debian.download_packages(PACKAGES, SUITE)
    except SourceUnavailable as error:
        raise MissingTool(
            "a QEMU of this age needs Python 2.7 to be built, and it can't be had "
            f"from Debian {SUITE} ({error}); or put a python2.7 into the PATH"
        ) from None
    with files.fresh(target) as folder:
        for package in packages.values():
            shutil.copytree(
                package / "usr", folder / "usr", symlinks=True, dirs_exist_ok=True
            )
        if not _works(folder / PROGRAM):
            raise MissingTool(
                f"Debian {SUITE}'s Python 2.7 does not run here, and a QEMU of this "
                "age needs one to be built; put a python2.7 into the PATH"
            )
