# SPDX-License-Identifier: GPL-2.0-or-later
"""The tree and the build in which the series is checked, patch by patch.

They are the check's own: build/tree/check is moved from commit to commit, and
build/check compiles what each of them touches.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from ..core import paths
from ..core.command import CommandFailed
from ..core.errors import BuildFailed
from ..core.git import git, head
from ..core.lock import exclusive
from ..core.progress import Progress, Task
from ..qemu import configure, firmware, ninja
from ..qemu.build import Build
from ..qemu.source import WRAPS
from ..suites import unittests

NAME = "check"
# Besides the programs: what knows the insides of the block layer and of migration.
TESTS = [f"{unittests.FOLDER}/{name}" for name in unittests.BLOCK]
TESTS.append("tests/qtest/migration-test")


def build() -> Build:
    """The build, as it was left."""
    return Build(NAME, paths.build_dir(NAME))


def log() -> Path:
    """What the compiler said last."""
    return paths.LOGS / f"compile-{NAME}.log"


def move(commit: str) -> Path:
    """Check a commit out, and return the tree: only files that differ are written."""
    tree = paths.tree_dir(NAME)
    base = paths.tree_dir("base")
    try:
        head(tree)
    except CommandFailed:
        # Not there, or of a base that was made anew.
        shutil.rmtree(tree, ignore_errors=True)
        git(base, "worktree", "prune")
        git(base, "worktree", "add", "--quiet", "--detach", tree, commit)
    else:
        git(tree, "checkout", "--quiet", "--force", "--detach", commit)
        git(tree, "clean", "--quiet", "--force", "-d")
    _add_wraps(tree, base)
    return tree


def compile_at(commit: str, base: str, progress: Progress) -> str:
    """Build a commit that is on top of `base`; why that failed, or "".

    Raises DiskFull.
    """
    try:
        _compile_at(commit, base, progress)
    except BuildFailed as error:
        return str(error)
    return ""


def _compile_at(commit: str, base: str, progress: Progress) -> None:
    made = build()
    with exclusive(NAME, "checking the series"):
        tree = move(commit)
        paths.LOGS.mkdir(parents=True, exist_ok=True)
        origin = made.directory / "switchover.base"
        known = origin.read_text() if origin.is_file() else ""
        if known != base or not configure.is_configured(tree, made.directory):
            with progress.step(f"configure {NAME}"):
                log = paths.LOGS / f"configure-{NAME}.log"
                configure.configure(tree, made.directory, log)
            firmware.link(made.directory)
            origin.write_text(base)
        with progress.step(f"compile {NAME}") as step:
            _compile(made, step)


def _compile(made: Build, step: Task) -> None:
    programs = [str(path.relative_to(made.directory)) for path in made.programs]
    known = (made.directory / "build.ninja").read_text()
    tests = [test for test in TESTS if f"\nbuild {test}:" in known]
    ninja.compile_targets(made.directory, [*programs, *tests], log(), step)


def _add_wraps(tree: Path, base: Path) -> None:
    """Upstream's own commits lack what meson would download; the base has it."""
    for wrap in WRAPS:
        there = Path("subprojects") / wrap
        if not (tree / there).exists() and (base / there).is_dir():
            shutil.copytree(base / there, tree / there, symlinks=True)
