# SPDX-License-Identifier: GPL-2.0-or-later
"""What a bisection of a synthetic history finds, without building anything."""

from __future__ import annotations

import json
from pathlib import Path

import fake_bisect
import pytest
from fake_bisect import bisect, history, named
from project import ME, commit

from switchover.bisect import (
    folders,
    git_bisect,
    journal,
    python2,
    question,
    session,
    show,
)
from switchover.core.errors import (
    DiskFull,
    MissingTool,
    WrongRange,
)
from switchover.core.git import git, head

pytestmark = pytest.mark.usefixtures("project")


@pytest.mark.parametrize("first", [1, 3, 5])
def test_the_commit_that_brought_it_is_found(first: int) -> None:
    states = ["good"] * first + ["bad"] * (6 - first)
    conclusion = bisect(history(*states), 5)
    assert conclusion.is_decisive
    assert named(conclusion).subject == str(first)
    assert "git bisect" in conclusion.log


@pytest.mark.parametrize("first", [1, 3, 5])
def test_the_commit_that_cured_it_is_found(first: int) -> None:
    states = ["bad"] * first + ["good"] * (6 - first)
    conclusion = bisect(history(*states), 5, cures=True)
    assert conclusion.is_decisive
    assert named(conclusion).subject == str(first)
    assert "cured it: " in show.answer(conclusion)


def test_steps_tell_their_role_and_the_ends_come_first() -> None:
    conclusion = bisect(history(*["good"] * 4, *["bad"] * 4), 7)
    roles = [step.role for step in conclusion.results]
    assert roles[:2] == ["old end", "new end"]
    assert roles[-2:] == ["first commit", "its parent"]
    assert set(roles[2:-2]) == {"step"}
    assert (
        json.loads(json.dumps(show.data(conclusion)))["commit"]
        == named(conclusion).commit
    )
    assert show.table(conclusion.results).row_count == len(roles)
    assert fake_bisect.noted("fresh") == ["4", "3"]


@pytest.mark.parametrize("state", ["broken", "boom", "skip"])
def test_what_can_not_be_judged_is_skipped(state: str) -> None:
    conclusion = bisect(history("good", "good", state, "good", "bad", state, "bad"), 6)
    assert conclusion.is_decisive
    assert named(conclusion).subject == "4"


def test_skipped_ones_beside_the_first_leave_candidates() -> None:
    conclusion = bisect(history("good", "broken", "broken", "bad"), 3)
    assert not conclusion.is_decisive
    assert conclusion.first is None
    assert len(conclusion.candidates) == 3
    assert "No commit is named" in show.answer(conclusion)
    assert head(Path(conclusion.question.repository)) in show.answer(conclusion)


def test_a_race_is_not_blamed_on_a_commit_that_changes_no_program() -> None:
    conclusion = bisect(history("good", "good", "same", "same"), 3)
    assert not conclusion.is_decisive
    assert "a race" in conclusion.doubt
    assert "No commit is named" in show.answer(conclusion)


def test_a_parent_that_can_not_be_judged_leaves_a_doubt() -> None:
    states = ("good", "broken", "bad", "bad")
    directory = history(*states)
    conclusion = bisect(directory, 3, within=(fake_bisect.STATE,))
    assert not conclusion.is_decisive


def test_a_seldom_crash_is_no_proof() -> None:
    conclusion = bisect(history("good", "good", "seldom", "bad"), 3, repeat=4)
    assert named(conclusion).subject == "2"
    assert "by luck" in conclusion.doubt
    assert not conclusion.is_decisive


def test_paths_limit_what_is_looked_at() -> None:
    directory = history("good", "good")
    commit(directory, "other", "x\n", "other")
    commit(directory, fake_bisect.STATE, "bad 9\n", "culprit")
    conclusion = bisect(directory, 3, within=(fake_bisect.STATE,))
    assert named(conclusion).subject == "culprit"
    built = fake_bisect.noted("built")
    # As the parent of the first one only.
    assert built.count("other") == 1


def test_a_merge_is_compared_with_all_its_parents() -> None:
    directory = history("good", "good")
    git(directory, "checkout", "--quiet", "-b", "side", "HEAD~1")
    commit(directory, "other", "x\n", "side")
    git(directory, "checkout", "--quiet", "main")
    git(directory, "merge", "--quiet", "--no-commit", "side", env=ME)
    commit(directory, fake_bisect.STATE, "bad 2\n", "merge")
    conclusion = bisect(directory, 2)
    assert conclusion.is_decisive
    assert named(conclusion).subject == "merge"
    assert [step.role for step in conclusion.results].count("its parent") == 2


@pytest.mark.parametrize("wish", [fake_bisect.FULL, fake_bisect.INTERRUPT])
def test_an_interrupted_run_goes_on_where_it_was(
    wish: str, capfd: pytest.CaptureFixture[str]
) -> None:
    directory = history(*["good"] * 8, *["bad"] * 8)
    fake_bisect.wish(wish).touch()
    with pytest.raises(git_bisect.Stopped) as stopped:
        bisect(directory, 15)
    if wish == fake_bisect.FULL:
        assert stopped.value.exit_code == DiskFull.exit_code
        assert "disk is full" in str(stopped.value)
    fake_bisect.wish(wish).unlink()
    assert question.stored()
    conclusion = bisect(directory, 15)
    assert conclusion.is_decisive
    assert named(conclusion).subject == "8"
    assert "going on after 2 steps" in capfd.readouterr().err
    steps = [
        s.commit
        for s in conclusion.results
        if s.role not in (session.FIRST, session.PARENT)
    ]
    assert len(steps) == len(set(steps))
    # Both ends were built once, in the first run.
    assert [fake_bisect.noted("built").count(n) for n in ("0", "15")] == [1, 1]
    assert question.stored() is None


def test_another_question_begins_anew() -> None:
    directory = history(*["good"] * 3, *["bad"] * 3)
    fake_bisect.wish(fake_bisect.INTERRUPT).touch()
    with pytest.raises(git_bisect.Stopped):
        bisect(directory, 5)
    fake_bisect.wish(fake_bisect.INTERRUPT).unlink()
    conclusion = bisect(directory, 4)
    assert {step.commit for step in conclusion.results if step.role == "old end"} == {
        git(directory, "rev-parse", "HEAD~4")
    }


def test_a_line_that_was_cut_off_is_made_again() -> None:
    directory = history("good", "bad")
    bisect(directory, 1)
    file = folders.home() / "steps.jsonl"
    whole = journal.results()
    file.write_text(file.read_text()[:-20])
    assert journal.results() == whole[:-1]


@pytest.mark.parametrize(
    ("states", "message"),
    [
        (("bad", "good"), "good and bad are swapped: .* is bad .crash: a; 1 of 1 runs"),
        (("good", "good"), "both ends are good, so there is nothing"),
        (("bad", "bad"), "both ends are bad, so there is nothing"),
        (("broken", "bad"), "the old end, .* can't be judged: does not build"),
        (("good", "skip"), "the new end, .* can't be judged: hang"),
    ],
)
def test_ends_that_are_not_as_said_end_it_at_once(
    states: tuple[str, ...], message: str
) -> None:
    directory = history(states[0], "good", "bad", states[1])
    with pytest.raises(WrongRange, match=message):
        bisect(directory, 3)
    assert set(fake_bisect.noted("built")) == {"0", "3"}
    assert question.stored() is None


def test_a_missing_python_2_is_told_before_the_first_build(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    directory = history("good")
    text = "# Note that Python 3 or later is not yet supported.\n"
    commit(directory, "configure", text, "old")
    commit(directory, fake_bisect.STATE, "bad\n", "bad")

    def missing() -> None:
        raise MissingTool("no Python 2")

    monkeypatch.setattr(python2, "ensure", missing)
    with pytest.raises(MissingTool, match="no Python 2"):
        bisect(directory, 2)
    assert not fake_bisect.noted("built")
