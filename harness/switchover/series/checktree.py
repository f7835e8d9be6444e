# SPDX-License-Identifier: GPL-2.0-or-later
"""The tree and the build in which the series is checked, patch by patch.

They are the check's own: build/tree/check is moved from commit to commit, and
build/check compiles what each of them touches.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from ..core import files, paths
from ..core.command import CommandFailed
from ..core.git import git
from ..core.lock import exclusive
from ..core.progress import Progress
from ..qemu import build, configure
from ..qemu.build import Build
from ..qemu.source import WRAPS
from ..suites import unittests

NAME = "check"
# Besides the programs: what knows the insides of the block layer and of migration.
TESTS = [f"{unittests.FOLDER}/{name}" for name in unittests.BLOCK]
TESTS.append("tests/qtest/migration-test")


def made() -> Build:
    """The build, as it was left."""
    return Build(NAME, paths.build_dir(NAME))


def move(commit: str) -> Path:
    """Check a commit out, and return the tree: only files that differ are written."""
    tree = paths.tree_dir(NAME)
    base = paths.tree_dir("base")
    try:
        git(tree, "checkout", "--quiet", "--force", "--detach", commit)
        git(tree, "clean", "--quiet", "--force", "-d")
    except CommandFailed:
        # Not there, or of a base that was made anew.
        shutil.rmtree(tree, ignore_errors=True)
        git(base, "worktree", "add", "--quiet", "--force", "--detach", tree, commit)
    _add_wraps(tree, base)
    return tree


def compile_at(commit: str, base: str, progress: Progress) -> None:
    """Build a commit that is on top of `base`; raises BuildFailed and DiskFull."""
    with exclusive(NAME, "checking the series"):
        tree = move(commit)
        origin = tree.with_suffix(".base")
        if not origin.is_file() or origin.read_text() != base:
            configure.forget(made().directory)
            files.write(origin, base)
        build.make(made(), tree, progress, TESTS)


def _add_wraps(tree: Path, base: Path) -> None:
    """Upstream's own commits lack what meson would download; the base has it."""
    for wrap in WRAPS:
        there = Path("subprojects") / wrap
        if not (tree / there).exists() and (base / there).is_dir():
            shutil.copytree(base / there, tree / there, symlinks=True)
