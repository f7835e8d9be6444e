# SPDX-License-Identifier: GPL-2.0-or-later
"""The clone is left as it was, and a wrong one, or a wrong range of it, is told."""

from __future__ import annotations

from pathlib import Path

import fake_bisect
import pytest
from fake_bisect import bisect, history
from project import ME, commit

from switchover.bisect import (
    git_bisect,
    session,
)
from switchover.bisect.question import Question
from switchover.bisect.repository import Repository
from switchover.core import paths
from switchover.core.errors import (
    WrongRange,
    WrongTree,
)
from switchover.core.git import git

pytestmark = pytest.mark.usefixtures("project")


@pytest.mark.parametrize("interrupted", [False, True])
def test_the_repository_is_left_as_it_was(interrupted: bool) -> None:
    directory = history(*["good"] * 4, *["bad"] * 4)
    (directory / "mine").write_text("not committed\n")
    before = state_of(directory)
    if interrupted:
        fake_bisect.wish(fake_bisect.INTERRUPT).touch()
        with pytest.raises(git_bisect.Stopped):
            bisect(directory, 7)
    else:
        bisect(directory, 7)
    assert state_of(directory) == before


def state_of(directory: Path) -> dict[str, str]:
    """All files of a repository, but a list of packed refs that has none."""
    files = {p: p.read_bytes() for p in directory.rglob("*") if p.is_file()}
    packed = directory / ".git" / "packed-refs"
    if b"refs/" not in files.get(packed, b""):
        files.pop(packed, None)
    return {str(file): content.hex() for file, content in files.items()}


def test_a_worktree_that_a_killed_run_has_left_is_in_nobodys_way() -> None:
    directory = history("good", "good", "bad")
    repository = Repository.at(directory)
    with repository.worktree("HEAD") as place:
        git(place, "bisect", "start", "--no-checkout", "HEAD", "HEAD~2")
        assert bisect(directory, 2).is_decisive


def ask(
    directory: Path, good: str, bad: str, cures: bool = False, within: str = ""
) -> None:
    old, new = (bad, good) if cures else (good, bad)
    touched = tuple(within.split())
    asked = Question(str(directory), old, new, cures, "ready-mirror", 1, touched)
    session.checked(asked)


@pytest.mark.parametrize(
    ("good", "bad", "cures", "message"),
    [
        ("HEAD", "HEAD~1", False, "the bad revision comes before.*add --old-new"),
        ("HEAD~1", "HEAD", True, "the good revision comes before.*drop --old-new"),
        ("HEAD", "main", False, "both ends are"),
        ("v9", "HEAD", False, "there is no revision 'v9'.*git log"),
        ("HEAD", "--help", False, "there is no revision '--help'"),
        ("HEAD", "side", False, "neither revision .* take [0-9a-f]{12}, where they"),
        ("HEAD", "alone", False, "neither revision .* no commit in common"),
    ],
)
def test_a_range_that_is_none_is_told(
    good: str, bad: str, cures: bool, message: str
) -> None:
    directory = history("good", "bad")
    git(directory, "checkout", "--quiet", "-b", "side", "HEAD~1")
    commit(directory, "other", "x\n", "side")
    git(directory, "checkout", "--quiet", "--orphan", "alone")
    git(directory, "commit", "--quiet", "--message=alone", env=ME)
    git(directory, "checkout", "--quiet", "main")
    with pytest.raises(WrongRange, match=message):
        ask(directory, good, bad, cures)


def test_paths_that_nothing_touches_are_told() -> None:
    with pytest.raises(WrongRange, match="touches nothing-there"):
        ask(history("good", "bad"), "HEAD~1", "HEAD", within="nothing-there")


def test_a_tree_without_history_is_told(project: Path) -> None:
    (project / "tarball").mkdir()
    with pytest.raises(WrongTree, match="has no history.*--repo"):
        Repository.at(project / "tarball")
    paths.SUBMODULE.mkdir()
    with pytest.raises(WrongTree, match="submodule update --init qemu"):
        Repository.at(paths.SUBMODULE)
    with pytest.raises(WrongTree, match="there is no folder.*--repo"):
        Repository.at(project / "nowhere")


def test_a_part_of_a_clone_is_told() -> None:
    directory = history("good", "bad")
    commit(directory, "qemu-options.hx", "x\n", "options")
    (directory / "block").mkdir()
    with pytest.raises(WrongTree, match=f"part of a clone.*--repo {directory}$"):
        Repository.at(directory / "block")


def test_a_shallow_clone_is_told(project: Path) -> None:
    directory = history("good", "good", "bad")
    shallow = project / "shallow"
    git(project, "clone", "--quiet", "--depth=1", f"file://{directory}", shallow)
    with pytest.raises(WrongRange, match="shallow; run git fetch --unshallow"):
        ask(shallow, "HEAD~2", "HEAD")
