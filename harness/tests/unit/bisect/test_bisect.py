# SPDX-License-Identifier: GPL-2.0-or-later
"""Bisecting a synthetic history with git, without building anything."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import fake_bisect
import pytest
from project import ME, commit

from switchover.bisect import folders, git_bisect, journal, question, session, show
from switchover.bisect.question import Question
from switchover.bisect.repository import Repository
from switchover.bisect.session import Conclusion
from switchover.commands import bisect as main_module
from switchover.core import paths
from switchover.core.errors import DiskFull, MissingTool, WrongRange, WrongTree
from switchover.core.git import git, head
from switchover.qemu import configure


@pytest.fixture(autouse=True)
def roomy(project, monkeypatch):
    monkeypatch.setattr(configure, "NEEDED_BYTES", 0)


def history(*states: str) -> Path:
    """A repository with a commit for each state, called by its number."""
    directory = paths.ROOT / "clone"
    directory.mkdir()
    git(directory, "init", "--quiet", "--initial-branch=main")
    for number, state in enumerate(states):
        # The number makes each differ from the one before.
        commit(directory, fake_bisect.STATE, f"{state} {number}\n", f"{number}")
    return directory


def bisect(
    directory: Path, last: int, cures: bool = False, repeat: int = 1, within=()
) -> Conclusion:
    """Bisect from commit 0 to the newest, which is number `last`."""
    ends = f"HEAD~{last}", "HEAD"
    asked = session.checked(
        Question(str(directory), *ends, cures, "throttled-mirror", repeat, within)
    )
    command = [sys.executable, fake_bisect.__file__, str(paths.BUILD)]
    return session.run(asked, fake_bisect.examiner(directory), command)


@pytest.mark.parametrize("first", [1, 3, 5])
def test_the_commit_that_brought_it_is_found(first):
    states = ["good"] * first + ["bad"] * (6 - first)
    conclusion = bisect(history(*states), 5)
    assert conclusion.is_decisive
    assert conclusion.first.subject == str(first)
    assert "git bisect" in conclusion.log


@pytest.mark.parametrize("first", [1, 3, 5])
def test_the_commit_that_cured_it_is_found(first):
    states = ["bad"] * first + ["good"] * (6 - first)
    conclusion = bisect(history(*states), 5, cures=True)
    assert conclusion.is_decisive
    assert conclusion.first.subject == str(first)
    assert "cured it: " in show.answer(conclusion)


def test_steps_tell_their_role_and_the_ends_come_first():
    conclusion = bisect(history(*["good"] * 4, *["bad"] * 4), 7)
    roles = [step.role for step in conclusion.results]
    assert roles[:2] == ["old end", "new end"]
    assert roles[-2:] == ["first commit", "its parent"]
    assert set(roles[2:-2]) == {"step"}
    assert (
        json.loads(json.dumps(show.data(conclusion)))["commit"]
        == conclusion.first.commit
    )
    assert show.table(conclusion.results).row_count == len(roles)


@pytest.mark.parametrize("state", ["broken", "boom", "skip"])
def test_what_can_not_be_judged_is_skipped(state):
    conclusion = bisect(history("good", "good", state, "good", "bad", state, "bad"), 6)
    assert conclusion.is_decisive
    assert conclusion.first.subject == "4"


def test_skipped_ones_beside_the_first_leave_candidates():
    conclusion = bisect(history("good", "broken", "broken", "bad"), 3)
    assert not conclusion.is_decisive
    assert conclusion.first is None
    assert len(conclusion.candidates) == 3
    assert "No commit is named" in show.answer(conclusion)
    assert head(Path(conclusion.question.repository)) in show.answer(conclusion)


def test_what_is_unexpected_leaves_a_traceback():
    bisect(history("good", "good", "boom", "bad", "bad"), 4)
    steps = [step for step in journal.results() if "nobody thought" in step.why]
    (log,) = folders.logs().glob("unexpected-*.log")
    assert str(log) in steps[0].why
    assert "Traceback" in log.read_text()


def test_a_race_is_not_blamed_on_a_commit_that_changes_no_program():
    conclusion = bisect(history("good", "good", "same", "same"), 3)
    assert not conclusion.is_decisive
    assert "a race" in conclusion.doubt
    assert "No commit is named" in show.answer(conclusion)


def test_a_parent_that_can_not_be_judged_leaves_a_doubt():
    states = ("good", "broken", "bad", "bad")
    directory = history(*states)
    conclusion = bisect(directory, 3, within=(fake_bisect.STATE,))
    assert not conclusion.is_decisive


def test_a_seldom_crash_is_no_proof():
    conclusion = bisect(history("good", "good", "seldom", "bad"), 3, repeat=4)
    assert conclusion.first.subject == "2"
    assert "by luck" in conclusion.doubt
    assert not conclusion.is_decisive


def test_paths_limit_what_is_looked_at():
    directory = history("good", "good")
    commit(directory, "other", "x\n", "other")
    commit(directory, fake_bisect.STATE, "bad 9\n", "culprit")
    conclusion = bisect(directory, 3, within=(fake_bisect.STATE,))
    assert conclusion.first.subject == "culprit"
    built = fake_bisect.noted("built")
    # As the parent of the first one only.
    assert built.count("other") == 1


def test_a_merge_is_compared_with_all_its_parents():
    directory = history("good", "good")
    git(directory, "checkout", "--quiet", "-b", "side", "HEAD~1")
    commit(directory, "other", "x\n", "side")
    git(directory, "checkout", "--quiet", "main")
    git(directory, "merge", "--quiet", "--no-commit", "side", env=ME)
    commit(directory, fake_bisect.STATE, "bad 2\n", "merge")
    conclusion = bisect(directory, 2)
    assert conclusion.is_decisive
    assert conclusion.first.subject == "merge"
    assert [step.role for step in conclusion.results].count("its parent") == 2


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        (fake_bisect.FULL, git_bisect.Stopped),
        (fake_bisect.INTERRUPT, git_bisect.Stopped),
    ],
)
def test_an_interrupted_run_goes_on_where_it_was(wish, error, capfd):
    directory = history(*["good"] * 8, *["bad"] * 8)
    fake_bisect.wish(wish).touch()
    with pytest.raises(error) as stopped:
        bisect(directory, 15)
    if wish == fake_bisect.FULL:
        assert stopped.value.exit_code == DiskFull.exit_code
        assert "disk is full" in str(stopped.value)
    fake_bisect.wish(wish).unlink()
    assert question.stored()
    conclusion = bisect(directory, 15)
    assert conclusion.is_decisive
    assert conclusion.first.subject == "8"
    assert "going on after 2 steps" in capfd.readouterr().err
    steps = [s.commit for s in conclusion.results if s.role not in session.CONFIRMATION]
    assert len(steps) == len(set(steps))
    # Both ends were built once, in the first run.
    assert [fake_bisect.noted("built").count(n) for n in ("0", "15")] == [1, 1]
    assert question.stored() is None


def test_another_question_begins_anew():
    directory = history(*["good"] * 3, *["bad"] * 3)
    fake_bisect.wish(fake_bisect.INTERRUPT).touch()
    with pytest.raises(git_bisect.Stopped):
        bisect(directory, 5)
    fake_bisect.wish(fake_bisect.INTERRUPT).unlink()
    conclusion = bisect(directory, 4)
    assert {step.commit for step in conclusion.results if step.role == "old end"} == {
        git(directory, "rev-parse", "HEAD~4")
    }


def test_a_line_that_was_cut_off_is_made_again():
    directory = history("good", "bad")
    bisect(directory, 1)
    file = folders.home() / "steps.jsonl"
    whole = journal.results()
    file.write_text(file.read_text()[:-20])
    assert journal.results() == whole[:-1]


@pytest.mark.parametrize("interrupted", [False, True])
def test_the_repository_is_left_as_it_was(interrupted):
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


def test_a_worktree_that_a_killed_run_has_left_is_in_nobodys_way():
    directory = history("good", "good", "bad")
    repository = Repository.at(directory)
    with repository.worktree("HEAD") as place:
        git(place, "bisect", "start", "--no-checkout", "HEAD", "HEAD~2")
        assert bisect(directory, 2).is_decisive


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
def test_ends_that_are_not_as_said_end_it_at_once(states, message):
    directory = history(states[0], "good", "bad", states[1])
    with pytest.raises(WrongRange, match=message):
        bisect(directory, 3)
    assert set(fake_bisect.noted("built")) == {"0", "3"}
    assert question.stored() is None


def ask(directory: Path, good: str, bad: str, cures: bool = False, within=()):
    old, new = (bad, good) if cures else (good, bad)
    where = str(directory)
    return session.checked(Question(where, old, new, cures, "ready-mirror", 1, within))


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
def test_a_range_that_is_none_is_told(good, bad, cures, message):
    directory = history("good", "bad")
    git(directory, "checkout", "--quiet", "-b", "side", "HEAD~1")
    commit(directory, "other", "x\n", "side")
    git(directory, "checkout", "--quiet", "--orphan", "alone")
    git(directory, "commit", "--quiet", "--message=alone", env=ME)
    git(directory, "checkout", "--quiet", "main")
    with pytest.raises(WrongRange, match=message):
        ask(directory, good, bad, cures)


def test_paths_that_nothing_touches_are_told():
    with pytest.raises(WrongRange, match="touches nothing-there"):
        ask(history("good", "bad"), "HEAD~1", "HEAD", within=("nothing-there",))


def test_a_tree_without_history_is_told(project):
    (project / "tarball").mkdir()
    with pytest.raises(WrongTree, match="has no history.*--repo"):
        Repository.at(project / "tarball")
    paths.SUBMODULE.mkdir()
    with pytest.raises(WrongTree, match="submodule update --init qemu"):
        Repository.at(paths.SUBMODULE)
    with pytest.raises(WrongTree, match="there is no folder.*--repo"):
        Repository.at(project / "nowhere")


@pytest.mark.usefixtures("project")
def test_a_part_of_a_clone_is_told():
    directory = history("good", "bad")
    commit(directory, "qemu-options.hx", "x\n", "options")
    (directory / "block").mkdir()
    with pytest.raises(WrongTree, match=f"part of a clone.*--repo {directory}$"):
        Repository.at(directory / "block")


def test_a_shallow_clone_is_told(project):
    directory = history("good", "good", "bad")
    shallow = project / "shallow"
    git(project, "clone", "--quiet", "--depth=1", f"file://{directory}", shallow)
    with pytest.raises(WrongRange, match="shallow; run git fetch --unshallow"):
        ask(shallow, "HEAD~2", "HEAD")


def test_a_full_disk_is_told_before_the_first_build(monkeypatch):
    monkeypatch.setattr(configure, "NEEDED_BYTES", 1 << 60)
    with pytest.raises(DiskFull):
        bisect(history("good", "bad"), 1)
    with pytest.raises(DiskFull):
        main_module.main(["--repo", str(paths.ROOT / "clone"), "--at", "HEAD"])
    assert not fake_bisect.noted("built")


def test_a_disk_too_full_to_leave_the_reason_is_no_verdict():
    directory = history("good", "bad")
    repository = Repository.at(directory)
    ask(directory, "HEAD~1", "HEAD").store()
    fake_bisect.wish(fake_bisect.FULL).touch()
    (folders.home() / "built").write_text("a\nb\n")
    # Nothing can be written where a folder is.
    fake_bisect.git_step.trouble_file().mkdir()
    with repository.worktree("HEAD") as place:
        git(place, "update-ref", "BISECT_HEAD", "HEAD")
        answer = fake_bisect.git_step.main(fake_bisect.FakeExaminer)
    assert answer == fake_bisect.git_step.STOP


def test_a_missing_python_2_is_told_before_the_first_build(monkeypatch):
    directory = history("good")
    text = "# Note that Python 3 or later is not yet supported.\n"
    commit(directory, "configure", text, "old")
    commit(directory, fake_bisect.STATE, "bad\n", "bad")

    def missing():
        raise MissingTool("no Python 2")

    monkeypatch.setattr(session.python2, "ensure", missing)
    with pytest.raises(MissingTool, match="no Python 2"):
        bisect(directory, 2)
    assert not fake_bisect.noted("built")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--good", "a"],
        ["--at", "a", "--good", "b"],
        ["--good", "a", "--bad", "b", "--repeat", "0"],
        ["--good", "a", "--bad", "b", "--scenario", "ready-mirror", "lost-target"],
        ["--at", "a", "--scenario", "unheard-of"],
    ],
)
def test_usage(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main_module.main(arguments)
    assert ended.value.code == 2
    assert "usage: scripts/bisect" in capsys.readouterr().err


def test_a_suite_that_is_not_known_is_told():
    with pytest.raises(WrongRange, match="bullseye, bookworm, trixie, sid"):
        main_module.main(["--at", "debian/woody"])


def test_a_step_without_a_question_stops():
    assert (
        fake_bisect.git_step.main(fake_bisect.FakeExaminer) == fake_bisect.git_step.STOP
    )
