# SPDX-License-Identifier: GPL-2.0-or-later
"""The series as commits in the repository of the source trees."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..core import paths
from ..core.git import git
from ..core.lock import exclusive
from ..core.progress import Progress
from ..qemu import tree

# A small edit of the series has to be a small diff of its files: nothing in
# them counts, dates or abbreviates.
FORMAT = [
    "format-patch",
    "--quiet",
    "--zero-commit",
    "--no-numbered",
    "--no-signature",
    "--no-stat",
    "--full-index",
]
FILE = re.compile(r"^\+\+\+ b/(\S+)$")
HUNK = re.compile(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True)
class Commit:
    """One patch as a commit: its place in the series, and its trees' hashes.

    `before` and `after` are trees: they stand for the patch's content and for all
    that it is on top of; a commit message is no part of them.
    """

    number: int
    id: str
    subject: str
    before: str
    after: str

    def files(self) -> list[str]:
        """The files that it adds, changes or moves to, below the tree's root."""
        names = ["diff-tree", "-r", "--name-only", "--diff-filter=d"]
        return _git(*names, self.before, self.after).splitlines()

    def diff(self, name: str) -> str:
        """Its diff of a file, without lines of context."""
        return _git("diff", "--unified=0", self.before, self.after, "--", name)


@dataclass(frozen=True)
class Series:
    """Commits on top of `base`, which is a commit, too."""

    base: str
    commits: tuple[Commit, ...]

    @property
    def tip(self) -> str:
        return self.commits[-1].id if self.commits else self.base

    @property
    def whole(self) -> Commit:
        """All of it as one commit."""
        return Commit(0, self.tip, "", self.base, self.tip)

    def added(self, folder: str) -> dict[str, str]:
        """The files that it adds below this folder of the tree: mode and hash by name.

        The names are those below the tree's root.
        """
        raw = ["diff", "--raw", "--no-abbrev", "--diff-filter=A", self.base, self.tip]
        found = {}
        for line in _git(*raw, "--", folder).splitlines():
            fields, name = line.split("\t")
            _, mode, _, blob, _ = fields.split(" ")
            found[name] = f"{mode} {blob}"
        return found

    @contextmanager
    def formatted(self) -> Iterator[list[Path]]:
        """Files with it as patches/ has it, in order; they go at the end."""
        span = f"{self.base}..{self.tip}"
        with TemporaryDirectory(dir=paths.BUILD) as folder:
            _git(*FORMAT, "--output-directory", folder, span)
            yield sorted(Path(folder).iterdir())


def applied(progress: Progress) -> Series:
    """What patches/ make of the base; raises what tree.ensure() does."""
    tree.ensure("base", progress)
    with exclusive("tree", "preparing the source trees"):
        return between(tree.BASE, tree.applied())


def between(base: str, tip: str) -> Series:
    """The commits from `base`, without it, to `tip`."""
    commit, trees = _git("log", "-1", "--format=%H %T", base).split()
    listing = _git("log", "--reverse", "--format=%H %T %s", f"{base}..{tip}")
    found = []
    for number, line in enumerate(listing.splitlines(), 1):
        id, after, subject = line.split(" ", 2)
        found.append(Commit(number, id, subject, trees, after))
        trees = after
    return Series(commit, tuple(found))


def changed_lines(diff: str, least: int = 0) -> dict[str, set[int]]:
    """The numbers of the lines that a diff without context adds, by file.

    Of each hunk there are `least`, if there is a line before what it only removes.
    """
    found: dict[str, set[int]] = defaultdict(set)
    file = ""
    for line in diff.splitlines():
        if match := FILE.match(line):
            file = match[1]
        elif match := HUNK.match(line):
            start, length = int(match[1]), int(match[2] or 1)
            found[file].update(range(start, start + max(length, least)))
    return {name: lines for name, lines in found.items() if lines}


def _git(*arguments: str) -> str:
    return git(paths.tree_dir("base"), *arguments)
