# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's manual, made by Sphinx as QEMU's own build makes it: no warning is allowed.

It has the QAPI reference and all of docs/. Only what has changed is read again.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path, PurePath

from ..core import descendants, paths
from ..core.errors import BuildFailed
from ..qemu.configure import environment

# meson's only other options are for a dependency file.
OPTIONS = ["-q", "-W", "-D", "kerneldoc_werror=1", "-j", "auto", "-b", "html"]
# What it is made from, besides the options' documentation in *.hx.
SOURCES = ("docs", "qapi", "qga", "storage-daemon")
SUFFIXES = (".rst", ".json", ".hx", ".inc", ".py")
SECONDS = 1200.0
WARNING = "Warning, treated as error:\n"


def is_about(name: str) -> bool:
    """Whether a file of the tree is something that the manual is made from."""
    path = PurePath(name)
    is_source = path.parts[0] in SOURCES and path.suffix in SUFFIXES
    return is_source or path.suffix == ".hx"


def make(source: Path, log: Path) -> None:
    """Make it from the tree `source`; raises BuildFailed with what is wrong with it."""
    folder = paths.BUILD / "manual"
    doctrees = folder / "doctrees"
    command: list[str | Path] = [
        paths.VENV / "bin" / "sphinx-build",
        *(*OPTIONS, "-d", str(doctrees)),
        source / "docs",
        folder / "html",
    ]
    env = {**environment(), "CONFDIR": "/etc/qemu"}
    ended = asyncio.run(descendants.run(command, paths.BUILD, log, SECONDS, env))
    if ended.hang:
        raise BuildFailed(ended.hang)
    if ended.code:
        # What was read before the warning would not be read, and warned of, again.
        shutil.rmtree(doctrees, ignore_errors=True)
        _, _, warning = ended.text.partition(WARNING)
        said = (warning or ended.text).strip()
        raise BuildFailed(said.partition("\n")[0] or "it gave no reason")
