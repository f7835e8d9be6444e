# SPDX-License-Identifier: GPL-2.0-or-later
"""The clone whose history is looked at. It is left as it was found.

`git bisect` runs in a worktree of ours: its refs and its state belong to that,
and go with it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..core import paths
from ..core.command import CommandFailed
from ..core.errors import WrongRange, WrongTree
from ..core.git import git
from . import folders

SHOWN = 12
# What every QEMU has at its top.
LANDMARK = "qemu-options.hx"


@dataclass(frozen=True)
class Repository:
    """A git clone of QEMU, or one of its worktrees."""

    directory: Path

    @classmethod
    def at(cls, directory: Path) -> Repository:
        """The clone there; raises WrongTree if it has no history."""
        directory = directory.resolve()
        if not directory.is_dir():
            raise WrongTree(
                f"there is no folder {directory}; name a clone of QEMU with --repo"
            )
        if not (directory / ".git").exists() and not (directory / "objects").is_dir():
            if directory == paths.SUBMODULE:
                raise WrongTree(
                    "the submodule qemu/ is not checked out; run git submodule update "
                    "--init qemu, or name a clone of QEMU with --repo"
                )
            clone = _clone_around(directory)
            if clone:
                raise WrongTree(
                    f"{directory} is only a part of a clone of QEMU; name all of it "
                    f"with --repo {clone}"
                )
            raise WrongTree(
                f"{directory} has no history (it may be from a tarball); name a git "
                "clone of QEMU with --repo"
            )
        return cls(directory)

    def commit(self, revision: str) -> str:
        """The full name of a commit; raises WrongRange."""
        try:
            wanted = ["--verify", "--quiet", "--end-of-options"]
            return git(self.directory, "rev-parse", *wanted, f"{revision}^{{commit}}")
        except CommandFailed:
            pass
        raise WrongRange(
            f"there is no revision {revision!r} in {self.directory}; {self._remedy()}"
        )

    def _remedy(self) -> str:
        shallow = git(self.directory, "rev-parse", "--is-shallow-repository")
        if shallow == "true":
            return "the clone is shallow; run git fetch --unshallow --tags there"
        return "look it up with git log, or fetch it with git fetch --tags"

    def subject(self, commit: str) -> str:
        """The first line of a commit's message."""
        return git(self.directory, "log", "-1", "--format=%s", commit)

    def tree(self, commit: str) -> str:
        """The name of all the files of a commit together."""
        return git(self.directory, "rev-parse", f"{commit}^{{tree}}")

    def parents(self, commit: str) -> list[str]:
        """The commits that a commit was made on."""
        found = git(self.directory, "log", "-1", "--format=%P", commit)
        return found.split()

    def file(self, commit: str, name: str) -> str:
        """A file of a commit; "" if it has none of that name."""
        try:
            return git(self.directory, "show", f"{commit}:{name}")
        except CommandFailed:
            return ""

    def merge_base(self, one: str, other: str) -> str:
        """The newest commit in the history of both; "" if there is none."""
        try:
            return git(self.directory, "merge-base", one, other)
        except CommandFailed:
            return ""

    def between(self, old: str, new: str, within: tuple[str, ...]) -> int:
        """How many commits may be the one that is looked for."""
        limits = ["--", *within]
        count = git(self.directory, "rev-list", "--count", f"{old}..{new}", *limits)
        return int(count)

    @contextmanager
    def worktree(self, commit: str) -> Iterator[Path]:
        """A worktree without files; what a killed run has left is removed first."""
        place = folders.worktree()
        self._remove(place)
        add = ["worktree", "add", "--quiet", "--no-checkout", "--detach"]
        git(self.directory, *add, place, commit)
        try:
            yield place
        finally:
            self._remove(place)

    def _remove(self, place: Path) -> None:
        shutil.rmtree(place, ignore_errors=True)
        git(self.directory, "worktree", "prune", "--expire=now")


def short(commit: str) -> str:
    """A commit's name as people write it."""
    return commit[:SHOWN]


def _clone_around(directory: Path) -> Path | None:
    """The clone of QEMU that a folder is in, if it is in one."""
    for parent in directory.parents:
        if (parent / ".git").exists() and (parent / LANDMARK).exists():
            return parent
    return None
