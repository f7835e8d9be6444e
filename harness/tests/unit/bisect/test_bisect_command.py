# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/bisect: what is a usage error, and what it exits with."""

from __future__ import annotations

import json
import sys

import fake_bisect
import pytest
from fake_bisect import FakeExaminer, bisect, history

from switchover.bisect import run_scenario, session, sourcetree
from switchover.bisect.examine import Examiner
from switchover.bisect.outcome import BAD, GOOD, SKIP, Outcome
from switchover.bisect.question import Question
from switchover.commands import bisect as command
from switchover.commands.bisect import DEFAULT
from switchover.core import paths
from switchover.core.errors import BuildFailed, DiskFull, GuestFailed, WrongRange
from switchover.core.git import git
from switchover.qemu import configure
from switchover.qemu.build import Build

pytestmark = pytest.mark.usefixtures("project")


def test_a_full_disk_is_told_before_the_first_build(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(configure, "NEEDED_BYTES", 1 << 60)
    with pytest.raises(DiskFull):
        bisect(history("good", "bad"), 1)
    with pytest.raises(DiskFull):
        command.main(["--repo", str(paths.ROOT / "clone"), "--at", "HEAD"])
    assert not fake_bisect.noted("built")


def ends_with(states: list[str], *options: str) -> int:
    """What it exits with, for a history whose first commit is the good end."""
    where = ["--repo", str(history(*states)), "--bad", "HEAD"]
    return command.main([*where, "--good", f"HEAD~{len(states) - 1}", *options])


@pytest.fixture
def without_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(asked: Question, examiner: Examiner) -> session.Conclusion:
        step = [sys.executable, fake_bisect.__file__, str(paths.BUILD)]
        return original(asked, examiner, step)

    original = session.run
    monkeypatch.setattr(session, "run", run)
    monkeypatch.setattr(command, "Examiner", FakeExaminer)


@pytest.mark.usefixtures("without_builds")
def test_a_commit_that_is_named_is_a_success(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ends_with(["good", "good", "bad"], "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["subject"], data["doubt"]) == ("2", "")
    assert data["question"]["old"] == git(paths.ROOT / "clone", "rev-parse", "HEAD~2")


@pytest.mark.usefixtures("without_builds")
def test_a_commit_that_is_not_named_is_a_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ends_with(["good", "same", "same"]) == 1
    assert "No commit is named: its programs are the same" in capsys.readouterr().out


@pytest.mark.usefixtures("without_builds")
def test_the_bad_end_may_be_the_older_one(capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--repo", str(history("bad", "bad", "good")), "--old-new"]
    assert command.main([*where, "--good", "HEAD", "--bad", "HEAD~2"]) == 0
    assert "cured it: 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("runs", "code", "verdict"),
    [
        ([BAD, GOOD], 0, "bad, 1/2 bad"),
        ([GOOD, SKIP], 0, "good, 0/2 bad"),
        ([SKIP, SKIP], 1, "skip, 0/2 bad"),
    ],
)
def test_verdicts_on_revisions_are_a_success_unless_there_is_none(
    runs: list[str],
    code: int,
    verdict: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    left = [Outcome(run, "why") for run in runs]
    monkeypatch.setattr(sourcetree, "add_wraps", lambda _progress: None)
    monkeypatch.setattr(command, "programs", lambda *_: Build("b", paths.BUILD))
    monkeypatch.setattr(run_scenario, "run", lambda *_: left.pop(0))
    where = ["--repo", str(history("good")), "--at", "HEAD"]
    assert command.main([*where, "--repeat", "2", "--json"]) == code
    shown = capsys.readouterr()
    assert f"HEAD {DEFAULT}: {verdict}: why" in shown.err
    assert json.loads(shown.out)["HEAD"][DEFAULT]["why"] == "why"


def test_what_ends_it_takes_no_verdict_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*_: object) -> Outcome:
        if not left:
            raise GuestFailed("no kernel")
        return left.pop()

    left = [Outcome(BAD, "crash: a")]
    monkeypatch.setattr(sourcetree, "add_wraps", lambda _progress: None)
    monkeypatch.setattr(command, "programs", lambda *_: Build("b", paths.BUILD))
    monkeypatch.setattr(run_scenario, "run", run)
    where = ["--repo", str(history("bad", "good")), "--at", "HEAD~1", "HEAD"]
    with pytest.raises(GuestFailed):
        command.main([*where, "--json"])
    assert list(json.loads(capsys.readouterr().out)) == ["HEAD~1"]


def test_a_revision_that_does_not_build_is_no_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise BuildFailed("a semicolon is missing")

    monkeypatch.setattr(sourcetree, "add_wraps", fail)
    assert command.main(["--repo", str(history("good")), "--at", "HEAD"]) == 1


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
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    assert "usage: scripts/bisect" in capsys.readouterr().err


def test_a_suite_that_is_not_known_is_told() -> None:
    with pytest.raises(WrongRange, match="bullseye, bookworm, trixie, sid"):
        command.main(["--at", "debian/woody"])
