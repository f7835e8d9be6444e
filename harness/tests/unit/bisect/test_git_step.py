# SPDX-License-Identifier: GPL-2.0-or-later
"""The step: its exit code is an answer, and never one by accident."""

from __future__ import annotations

import json

import fake_bisect
import pytest
from fake_bisect import FakeExaminer, bisect, history

from switchover.bisect import folders, git_step, journal
from switchover.bisect.question import Question
from switchover.bisect.repository import Repository
from switchover.core.errors import DiskFull
from switchover.core.git import git

pytestmark = pytest.mark.usefixtures("project")


def exit_code(state: str, cures: bool = False) -> int:
    """What the step answers at a commit that does as it says."""
    directory = history("good", state)
    asked = Question(str(directory), "HEAD~1", "HEAD", cures, "ready-mirror", 1)
    asked.store()
    with Repository.at(directory).worktree("HEAD") as place:
        git(place, "update-ref", "BISECT_HEAD", "HEAD")
        return git_step.main(FakeExaminer)


@pytest.mark.parametrize(
    ("state", "cures", "code"),
    [
        ("good", False, 0),
        ("bad", False, 1),
        ("good", True, 1),
        ("bad", True, 0),
        ("skip", False, 125),
        ("skip", True, 125),
        ("broken", False, 125),
        ("boom", True, 125),
    ],
)
def test_the_exit_code_says_which_end_it_is_like(
    state: str, cures: bool, code: int
) -> None:
    assert exit_code(state, cures) == code


def test_what_is_unexpected_leaves_a_traceback() -> None:
    bisect(history("good", "good", "boom", "bad", "bad"), 4)
    (why,) = (r.why for r in journal.results() if "nobody thought" in r.why)
    (log,) = folders.logs().glob("unexpected-*.log")
    assert str(log) in why
    assert "Traceback" in log.read_text()


def full_at_once() -> None:
    fake_bisect.wish(fake_bisect.FULL).touch()
    (folders.home() / "built").write_text("a\nb\n")


def test_a_full_disk_stops_it_and_says_why() -> None:
    full_at_once()
    assert exit_code("good") == git_step.STOP
    trouble = json.loads(git_step.trouble_file().read_text())
    assert trouble["exit_code"] == DiskFull.exit_code


def test_a_disk_too_full_to_leave_the_reason_is_no_verdict() -> None:
    full_at_once()
    # Nothing can be written where a folder is.
    git_step.trouble_file().mkdir()
    assert exit_code("good") == git_step.STOP


def test_a_step_without_a_question_stops() -> None:
    assert git_step.main(FakeExaminer) == git_step.STOP
