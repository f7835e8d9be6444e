# SPDX-License-Identifier: GPL-2.0-or-later
"""The series on top of another QEMU: build/tree/rebased.

The commit that it is put on is copied into the repository of the source trees; the
clone that it is taken from is only read. A conflict that was solved once is solved
in the same way the next time. What applies there but doesn't build is mended there,
too, in the commit that it belongs to.
"""

from __future__ import annotations

from pathlib import Path

from ..core import paths
from ..core.command import CommandFailed
from ..core.errors import NotReady, SourceUnavailable, WrongTree
from ..core.git import edited, git, head
from ..core.lock import exclusive
from ..core.progress import Progress
from ..qemu import patches, tree
from ..qemu.tree import Stamp
from . import commits
from .commits import Series

NAME = "rebased"
SHOWN = f"build/tree/{NAME}"
# Where it was put last.
ONTO = "refs/switchover/onto"
DROP = f"drop it with: rm -r {SHOWN}"
SETTINGS = ["-c", "rerere.enabled=true", "-c", "rerere.autoupdate=true"]
REBASE = [
    "rebase",
    "--quiet",
    "--no-autosquash",
    "--empty=drop",
    # Made twice, it is the same commits.
    "--committer-date-is-author-date",
]
CONTINUE = ["rebase", "--continue"]


def main(revision: str | None, clone: Path, go_on: bool) -> None:
    """scripts/series rebase."""
    progress = Progress()
    made = resume(progress) if go_on else onto(revision or "", clone, progress)
    missing = len(patches.ordered()) - len(made.commits)
    more = f"; {missing} have nothing left to do there" if missing else ""
    print(f"{len(made.commits)} patches on {made.base[:12]} in {SHOWN}{more}")


def onto(revision: str, clone: Path, progress: Progress) -> Series:
    """Put the series on a revision of a clone; raises NotReady at a conflict.

    When that was done before, and patches/ are still the same, it is done.
    """
    tree.ensure("base", progress)
    with exclusive("tree", "preparing the source trees"):
        commit = _resolve(revision, clone)
        if not _has(commit):
            with progress.step("copy the revision"):
                _fetch(commit, clone)
        return _put(commit, progress)


def refreshed(progress: Progress) -> Series:
    """The series on the revision that it was put on last, from what patches/ are now.

    With what was mended there. Raises NotReady when it was never put anywhere.
    """
    tree.ensure("base", progress)
    with exclusive("tree", "preparing the source trees"):
        return _put(_last(), progress)


def resume(progress: Progress) -> Series:
    """Go on after a conflict was solved; raises NotReady at the next one."""
    with exclusive("tree", "preparing the source trees"):
        stamp = _made()
        if stamp is None or stamp.finished:
            raise NotReady("no rebase is under way; begin one: scripts/series rebase")
        if unsolved := _unsolved():
            raise NotReady(_what_to_do(unsolved))
        with progress.step("rebase the series"):
            if _under_way():
                _go_on(*CONTINUE)
        return _finish(stamp.made_from)


def _resolve(revision: str, clone: Path) -> str:
    """The commit of a revision of a clone."""
    if clone == paths.SUBMODULE and not (clone / ".git").exists():
        raise SourceUnavailable(
            "qemu/ is not checked out; run: git submodule update --init qemu, or name "
            "a clone of QEMU with --repo"
        )
    try:
        return git(clone, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    except (CommandFailed, NotADirectoryError):
        raise WrongTree(
            f"{clone} has no revision {revision}; fetch it there, or name another one"
        ) from None


def _has(commit: str) -> bool:
    try:
        git(paths.tree_dir("base"), "cat-file", "-e", f"{commit}^{{tree}}")
    except CommandFailed:
        return False
    return True


def _fetch(commit: str, clone: Path) -> None:
    """Copy one commit, without its history."""
    try:
        git(
            paths.tree_dir("base"),
            *("fetch", "--quiet", "--depth=1", "--no-tags"),
            "--upload-pack=git -c uploadpack.allowAnySHA1InWant=true upload-pack",
            f"file://{clone.resolve()}",
            commit,
        )
    except CommandFailed as error:
        raise WrongTree(
            f"{commit[:12]} can't be copied from {clone} ({error}); "
            "see whether that is a whole clone: git fsck"
        ) from None


def _last() -> str:
    try:
        return git(paths.tree_dir("base"), "rev-parse", "--verify", "--quiet", ONTO)
    except CommandFailed:
        raise NotReady(
            "say first what the series is to be put on: scripts/series rebase REVISION"
        ) from None


def _put(commit: str, progress: Progress) -> Series:
    base = paths.tree_dir("base")
    directory = paths.tree_dir(NAME)
    made_from = f"{patches.digest()} on {commit}"
    stamp = _made()
    if stamp is not None:
        _refuse_unfinished(stamp)
        if stamp.made_from == made_from:
            return _present(commit)
        _refuse_to_lose(stamp)
    with progress.step("rebase the series"):
        tip = tree.applied()
        git(base, "update-ref", ONTO, commit)
        if not directory.is_dir():
            git(base, "worktree", "add", "--quiet", "--force", directory, commit)
        Stamp(made_from, tip, finished=False).write(_stamp())
        _go_on(*REBASE, f"--onto={commit}", tree.BASE, tip)
    return _finish(made_from)


def _refuse_unfinished(stamp: Stamp) -> None:
    """Raise NotReady when a conflict waits, WrongTree when something is uncommitted."""
    if not stamp.finished:
        raise NotReady(
            f"a rebase waits in {SHOWN}; solve its conflict and go on with "
            f"scripts/series rebase --continue, or {DROP}"
        )
    if changes := edited(paths.tree_dir(NAME)):
        raise WrongTree(
            f"{SHOWN} has changes that are not committed ({changes}); commit them "
            f"there, each into the patch that it belongs to, or {DROP}"
        )


def _refuse_to_lose(stamp: Stamp) -> None:
    """Raise WrongTree when there are commits that rebasing anew would lose."""
    if head(paths.tree_dir(NAME)) != stamp.head:
        raise WrongTree(
            f"{SHOWN} has commits of its own, and is not what is wanted now; take "
            f"from there what you need, then {DROP}"
        )


def _present(commit: str) -> Series:
    """What is there, mended or not; raises WrongTree when it left `commit`."""
    directory = paths.tree_dir(NAME)
    if git(directory, "rev-list", "--max-count=1", f"HEAD..{commit}"):
        raise WrongTree(f"{SHOWN} is not on top of {commit[:12]} any more; {DROP}")
    return commits.between(commit, head(directory))


def _go_on(*rebase: str) -> None:
    """Rebase to the end; raises NotReady at a conflict that was never solved."""
    env = {**tree.committer(), "GIT_EDITOR": "true"}
    try:
        git(paths.tree_dir(NAME), *SETTINGS, *rebase, env=env)
    except CommandFailed as error:
        if not _under_way():
            raise WrongTree(f"git rebase failed in {SHOWN} ({error}); {DROP}") from None
        if unsolved := _unsolved():
            raise NotReady(_what_to_do(unsolved)) from None
        # All of it was solved as the last time.
        _go_on(*CONTINUE)


def _finish(made_from: str) -> Series:
    commit = head(paths.tree_dir(NAME))
    Stamp(made_from, commit).write(_stamp())
    return _present(_last())


def _under_way() -> bool:
    directory = paths.tree_dir(NAME)
    state = git(directory, "rev-parse", "--git-path", "rebase-merge")
    return (directory / state).is_dir()


def _unsolved() -> list[str]:
    listing = git(paths.tree_dir(NAME), "diff", "--name-only", "--diff-filter=U")
    return listing.splitlines()


def _what_to_do(unsolved: list[str]) -> str:
    subject = git(paths.tree_dir(NAME), "log", "-1", "--format=%s", "REBASE_HEAD")
    return (
        f"the patch {subject!r} conflicts in {', '.join(unsolved)}; mend these below "
        f"{SHOWN}, git add them there, then run: scripts/series rebase --continue "
        f"(or {DROP})"
    )


def _made() -> Stamp | None:
    """What the tree was made from; None when there is none, or it was given up."""
    return Stamp.read(_stamp()) if paths.tree_dir(NAME).is_dir() else None


def _stamp() -> Path:
    return paths.tree_dir(NAME).with_suffix(".json")
