# SPDX-License-Identifier: GPL-2.0-or-later
"""What runs say about a commit, whether it is named, and how it is shown."""

from __future__ import annotations

import pytest
from rich.console import Console

from switchover.bisect import (
    confirmation,
    portable_scenarios,
    show,
)
from switchover.bisect.outcome import (
    BAD,
    GOOD,
    SKIP,
    CommitResult,
    Outcome,
    together,
)
from switchover.commands import bisect as command


def test_one_bad_run_makes_it_bad_and_no_verdict_is_a_skip() -> None:
    good, bad = Outcome(GOOD, "completed"), Outcome(BAD, "crash: a")
    skip = Outcome(SKIP, "hang")
    assert together([good, bad, skip]) == bad
    assert together([skip, good]) == good
    assert together([skip, skip]) == skip
    assert together([]).verdict == SKIP


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Outcome(BAD, "crash: a; completed, 48 MiB never copied"), "crash+loss"),
        (Outcome(BAD, "completed, 1 MiB never copied"), "loss"),
        (Outcome(BAD, "completed; images equal"), "bad"),
        (Outcome(GOOD, "failed: Cannot inactivate"), "failed"),
        (Outcome(SKIP, "it has no drive-mirror"), "-"),
    ],
)
def test_an_outcome_in_a_word(outcome: Outcome, word: str) -> None:
    assert show.word(outcome) == word


def test_verdicts_on_all_portable_scenarios_are_a_table_that_fits_a_page() -> None:
    crash, loss = Outcome(BAD, "crash: a"), Outcome(BAD, "1 MiB never copied")
    both, good = Outcome(BAD, f"{crash.why}; {loss.why}"), Outcome(GOOD, "completed")
    outcomes = (crash, crash, crash, both, both, loss, good, both)
    row = dict(zip(portable_scenarios.BY_NAME, outcomes, strict=True))
    screen = Console(width=command.WIDTH_WITHOUT_TERMINAL)
    with screen.capture() as captured:
        screen.print(show.verdicts({"debian/bullseye": row}))
    line = captured.get().splitlines()[-2]
    words = "debian/bullseye", *map(show.word, outcomes)
    assert [cell.strip() for cell in line.strip("│").split("│")] == list(words)


def step(*outcomes: str, digest: str = "1") -> CommitResult:
    verdict = together([Outcome(o, "why") for o in outcomes]).verdict
    return CommitResult("c", "s", "r", verdict, "why", outcomes, digest=digest)


@pytest.mark.parametrize(
    ("first", "parent", "cures", "doubt"),
    [
        (step(*[BAD] * 5), step(*[GOOD] * 5, digest="2"), False, ""),
        (step(*[GOOD] * 5), step(*[BAD] * 5, digest="2"), True, ""),
        (step(*[BAD] * 5), step(*[GOOD] * 5), False, "a race"),
        (step(*[BAD] * 5), step(BAD, *[GOOD] * 4, digest="2"), False, "its parent is"),
        (step(BAD), step(BAD, digest="2"), True, "it is bad, too"),
        (step(*[GOOD] * 5), step(*[GOOD] * 5, digest="2"), False, "not bad any more"),
        (step(BAD, *[GOOD] * 4), step(*[GOOD] * 5, digest="2"), False, "by luck"),
        (step(SKIP), step(GOOD, digest="2"), False, "it can't be judged"),
        (step(BAD), step(SKIP, digest="2"), False, "its parent can't be judged"),
    ],
)
def test_only_a_decisive_commit_is_named(
    first: CommitResult, parent: CommitResult, cures: bool, doubt: str
) -> None:
    assert doubt in confirmation.doubt(first, [parent], cures)
    assert bool(doubt) == bool(confirmation.doubt(first, [parent], cures))


def test_the_first_of_all_commits_has_nothing_to_be_compared_with() -> None:
    assert confirmation.doubt(step(BAD), [], False)
