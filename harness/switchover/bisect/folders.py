# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a bisection keeps its things: below build/bisect/."""

from __future__ import annotations

from pathlib import Path

from ..core import paths


def home() -> Path:
    """The folder of all that is made, which is made here if need be."""
    folder = paths.BUILD / "bisect"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def source() -> Path:
    """The files of the revision that is being looked at."""
    return home() / "source"


def build() -> Path:
    """The one build folder; QEMU itself ignores a folder of this name."""
    return source() / "build"


def worktree() -> Path:
    """The git worktree in which `git bisect` keeps its state; it has no files."""
    return home() / "worktree"


def logs() -> Path:
    """What configure, the compiler and the runs have left."""
    return home() / "logs"
