# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import toy_series
from project import commit, patch, write_series

from switchover.core import paths
from switchover.core.errors import NotReady, SourceUnavailable, WrongTree
from switchover.core.git import git, head
from switchover.core.progress import Progress
from switchover.series import rebase


def onto(clone: Any, revision: str = "main") -> Any:
    return rebase.onto(revision, clone, Progress())


def rebased() -> Path:
    return paths.tree_dir(rebase.NAME)


def text() -> str:
    return (rebased() / "block.c").read_text()


def solve(content: str = "one\nzwei, 2\nthree\n") -> None:
    (rebased() / "block.c").write_text(content)
    git(rebased(), "add", "block.c")


def test_the_series_is_put_on_another_history(toy: Path) -> None:
    clone = toy_series.clone(toy / "clone")
    commit(clone, "new.c", "new\n", "new")
    made = onto(clone)
    assert made.base == head(clone)
    assert [one.subject for one in made.commits] == ["first"]
    assert text() == "one\n2\nthree\n"
    assert (rebased() / "new.c").is_file()
    assert git(clone, "worktree", "list").count("\n") == 0
    assert not git(paths.tree_dir("base"), "status", "--porcelain")


def test_made_twice_it_is_the_same(toy: Path) -> None:
    clone = toy_series.clone(toy / "clone")
    before = onto(clone)
    assert onto(clone) == before
    shutil.rmtree(rebased())
    assert onto(clone) == before


def test_changed_patches_are_rebased_anew(toy: Path) -> None:
    onto(toy_series.clone(toy / "clone"))
    write_series(**{"0001-first": patch("first", "two", "zwei")})
    rebase.refreshed(Progress())
    assert text() == "one\nzwei\nthree\n"


def test_a_conflict_is_named_and_waits(toy: Path) -> None:
    clone = toy_series.clone(toy / "clone", middle="zwei")
    with pytest.raises(NotReady, match=r"'first' conflicts in block\.c; .*--continue"):
        onto(clone)
    with pytest.raises(NotReady, match="a rebase waits"):
        onto(clone)
    with pytest.raises(NotReady, match=r"'first' conflicts in block\.c"):
        rebase.resume(Progress())
    solve()
    made = rebase.resume(Progress())
    assert [one.subject for one in made.commits] == ["first"]
    assert text() == "one\nzwei, 2\nthree\n"
    assert rebase.refreshed(Progress()) == made


def test_a_conflict_that_was_solved_is_solved_again(toy: Path) -> None:
    clone = toy_series.clone(toy / "clone", middle="zwei")
    with pytest.raises(NotReady):
        onto(clone)
    solve()
    before = rebase.resume(Progress())
    shutil.rmtree(rebased())
    assert onto(clone).commits[0].after == before.commits[0].after


def test_a_rebase_that_is_given_up_is_begun_anew(toy: Path) -> None:
    clone = toy_series.clone(toy / "clone", middle="zwei")
    with pytest.raises(NotReady):
        onto(clone)
    shutil.rmtree(rebased())
    with pytest.raises(NotReady, match="no rebase is under way"):
        rebase.resume(Progress())
    other = toy_series.clone(toy / "other")
    assert onto(other).base == head(other)


def test_a_patch_that_upstream_has_is_dropped(toy: Path) -> None:
    clone = toy_series.clone(toy / "clone", middle="2")
    assert onto(clone).commits == ()


def test_what_is_mended_there_is_part_of_the_series(toy: Path) -> None:
    onto(toy_series.clone(toy / "clone"))
    commit(rebased(), "block.c", "one\n2\n3\n", "second")
    subjects = [one.subject for one in rebase.refreshed(Progress()).commits]
    assert subjects == ["first", "second"]


def test_what_is_mended_there_is_not_lost(toy: Path) -> None:
    onto(toy_series.clone(toy / "clone"))
    commit(rebased(), "block.c", "one\n2\n3\n", "second")
    write_series(**{"0001-first": patch("first", "two", "zwei")})
    with pytest.raises(WrongTree, match="commits of its own"):
        rebase.refreshed(Progress())
    assert text() == "one\n2\n3\n"


def test_what_is_not_committed_there_is_named(toy: Path) -> None:
    onto(toy_series.clone(toy / "clone"))
    (rebased() / "block.c").write_text("mine\n")
    with pytest.raises(WrongTree, match=r"not committed \(block\.c\)"):
        rebase.refreshed(Progress())


def test_it_has_to_stay_where_it_was_put(toy: Path) -> None:
    onto(toy_series.clone(toy / "clone"))
    git(rebased(), "reset", "--quiet", "--hard", "base")
    with pytest.raises(WrongTree, match="not on top of"):
        rebase.refreshed(Progress())


def test_a_revision_that_is_not_there_is_named(toy: Path) -> None:
    clone = toy_series.clone(toy / "clone")
    with pytest.raises(WrongTree, match="has no revision v99"):
        onto(clone, "v99")
    with pytest.raises(WrongTree, match="nowhere has no revision"):
        onto(toy / "nowhere")


@pytest.mark.usefixtures("toy")
def test_the_submodule_has_to_be_checked_out() -> None:
    paths.SUBMODULE.mkdir()
    with pytest.raises(SourceUnavailable, match="git submodule update"):
        onto(paths.SUBMODULE)


@pytest.mark.usefixtures("toy")
def test_it_has_to_be_said_what_to_put_it_on() -> None:
    with pytest.raises(NotReady, match="scripts/series rebase REVISION"):
        rebase.refreshed(Progress())
