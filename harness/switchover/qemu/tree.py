# SPDX-License-Identifier: GPL-2.0-or-later
"""The two source trees: base, and patched, which developers work in.

base is a git repository of one commit, tagged "base". patched is a worktree of
it, on branch "series".
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..core import files, paths
from ..core.command import CommandFailed, run
from ..core.errors import PatchFailed, WrongTree
from ..core.git import NOBODY, edited, git, head
from ..core.lock import exclusive
from ..core.progress import Progress
from . import patches, source

BASE = "base"
BRANCH = "series"


@dataclass(frozen=True)
class Tree:
    """A source tree that is ready to be built."""

    directory: Path
    has_local_work: bool = False


@dataclass(frozen=True)
class Stamp:
    """What was made: from what, and the commit that came of it.

    `finished` is False while the tree is being moved there, so that an
    interrupted move is not taken for a developer's edit.
    """

    made_from: str
    head: str
    finished: bool = True

    @classmethod
    def read(cls, path: Path) -> Stamp | None:
        return cls(**json.loads(path.read_text())) if path.is_file() else None

    def write(self, path: Path) -> None:
        files.write_json(path, asdict(self))


def ensure(name: str, progress: Progress) -> Tree:
    """Make the tree called "base" or "patched", or find it as it should be.

    Raises Busy, PatchFailed, SourceUnavailable, WrongTree.
    """
    with exclusive("tree", "preparing the source trees"):
        base = _ensure_base(progress)
        return base if name == "base" else _ensure_patched(progress)


def _ensure_base(progress: Progress) -> Tree:
    tree = paths.tree_dir("base")
    if not tree.is_dir():
        with progress.step("get the source"):
            _make_base(tree)
    stamp = Stamp.read(_base_stamp(tree))
    if stamp is None or stamp.made_from != source.identity():
        raise WrongTree(
            "build/tree was not made from the source that is wanted now; export what "
            "you need (scripts/series export), then: rm -r build/tree"
        )
    changes = edited(tree) or ("HEAD" if head(tree) != stamp.head else "")
    if changes:
        raise WrongTree(
            f"build/tree/base was edited ({changes}), and is to stay QEMU's own; "
            "restore it with: git -C build/tree/base reset --hard base && "
            "git -C build/tree/base clean -fd"
        )
    return Tree(tree)


def _base_stamp(tree: Path) -> Path:
    # Inside, so that it appears together with the tree.
    return tree / ".git" / "switchover.json"


def _make_base(tree: Path) -> None:
    if paths.tree_dir("patched").is_dir():
        raise WrongTree(
            "build/tree/base is gone, and build/tree/patched needs it; save what you "
            "need from there, then: rm -r build/tree"
        )
    with files.fresh(tree) as made:
        print(f"source: {source.unpack(made)}", file=sys.stderr)
        git(made, "init", "--quiet", "--initial-branch=main")
        git(made, "add", "--all", "--force")
        git(made, "commit", "--quiet", "--message=QEMU as released", env=NOBODY)
        git(made, "tag", BASE)
        Stamp(source.identity(), head(made)).write(_base_stamp(made))


def _ensure_patched(progress: Progress) -> Tree:
    tree = paths.tree_dir("patched")
    stamp = Stamp.read(_patched_stamp())
    if has_local_work():
        return Tree(tree, has_local_work=True)
    wanted = patches.digest()
    if not tree.is_dir() or stamp != Stamp(wanted, head(tree)):
        with progress.step("apply the patches"):
            _move_patched(tree, wanted, applied())
    return Tree(tree)


def has_local_work() -> bool:
    """Whether there is a patched tree with something that was not exported."""
    tree = paths.tree_dir("patched")
    stamp = Stamp.read(_patched_stamp())
    if not tree.is_dir() or (stamp and not stamp.finished):
        return False
    return stamp is None or head(tree) != stamp.head or bool(edited(tree))


def _patched_stamp() -> Path:
    return paths.tree_dir("patched").with_suffix(".json")


def _move_patched(tree: Path, made_from: str, commit: str) -> None:
    """Check `commit` out: only files that differ are written, for ninja's sake."""
    Stamp(made_from, commit, finished=False).write(_patched_stamp())
    if tree.is_dir():
        git(tree, "checkout", "--quiet", "--force", "-B", BRANCH, commit)
        # An interrupted move leaves new files that git does not know yet.
        git(tree, "clean", "--quiet", "--force", "-d")
    else:
        base = paths.tree_dir("base")
        git(base, "worktree", "prune")
        git(base, "worktree", "add", "--quiet", "-B", BRANCH, tree, commit)
    Stamp(made_from, commit).write(_patched_stamp())


def applied() -> str:
    """The commit that the series makes of the base, which has to be there.

    It is made in a worktree of its own: a patch that fails leaves nothing. Its
    hash depends on the patches and on who commits, not on when. Raises PatchFailed.
    """
    me = committer()
    with _scratch_worktree() as scratch:
        for patch in patches.ordered():
            try:
                git(
                    scratch,
                    *["am", "--quiet", "--no-3way", "--committer-date-is-author-date"],
                    patch,
                    env=me,
                )
            except CommandFailed as error:
                raise PatchFailed(
                    f"patches/{patch.name} does not apply to the base ({error}); "
                    "mend it, or take it out of patches/series"
                ) from None
        return head(scratch)


@contextmanager
def _scratch_worktree() -> Iterator[Path]:
    base = paths.tree_dir("base")
    with TemporaryDirectory(dir=base.parent) as temporary:
        scratch = Path(temporary) / "scratch"
        git(base, "worktree", "add", "--no-checkout", "--detach", scratch, BASE)
        # git am writes the files that it changes; no other has to be there.
        git(scratch, "read-tree", BASE)
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch)
            git(base, "worktree", "prune")


def committer() -> dict[str, str]:
    """Who commits here, else nobody; the patches keep their own authors."""
    keys = {"GIT_COMMITTER_NAME": "user.name", "GIT_COMMITTER_EMAIL": "user.email"}
    return {name: setting(key) or NOBODY[name] for name, key in keys.items()}


def setting(key: str) -> str:
    """A setting of the user's own git; "" when there is none."""
    try:
        return run("git", "config", "--get", key, cwd=paths.ROOT).strip()
    except CommandFailed:
        return ""


def remember_patched() -> None:
    """Take the patched tree, as it is, for what patches/ make."""
    commit = head(paths.tree_dir("patched"))
    Stamp(patches.digest(), commit).write(_patched_stamp())
