# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that were built, kept by what they were built from.

So another scenario, or an interrupted bisection, does not build them again.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from ..core import files
from ..core.command import run
from ..qemu import firmware
from ..qemu.build import Build
from . import folders
from .recipe import Recipe

FRESH = "fresh"


def key(tree: str, made: Recipe) -> str:
    """A name for what `made` makes of the files `tree` stands for."""
    decisive = [tree, *made.options, run("gcc", "--version")]
    return hashlib.sha256("\n".join(decisive).encode()).hexdigest()[:16]


def find(name: str, fresh: bool) -> Build | None:
    """The programs, if they are there; if asked for, only ones built from nothing."""
    folder = _folder(name)
    if not folder.is_dir() or (fresh and not (folder / FRESH).exists()):
        return None
    return Build("bisect", folder)


def keep(name: str, build: Build, fresh: bool) -> Build:
    """Keep the programs of a build, without what is only there for debuggers."""
    with files.fresh(_folder(name)) as folder:
        made = Build("bisect", folder)
        made.directory.mkdir()
        for program, copy in ((build.system, made.system), (build.img, made.img)):
            run("objcopy", "--strip-debug", program.resolve(), copy)
        firmware.link(made.directory)
        if fresh:
            (made.directory / FRESH).touch()
        shutil.rmtree(_folder(name), ignore_errors=True)
    return Build("bisect", _folder(name))


def _folder(name: str) -> Path:
    return folders.home() / "programs" / name
