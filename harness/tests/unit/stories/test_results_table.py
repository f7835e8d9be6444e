# SPDX-License-Identifier: GPL-2.0-or-later
"""The table and the data say the same, and a failure says where its logs are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from switchover.judging.oracle import Verdict
from switchover.scenarios import ALL
from switchover.stories import results_table
from switchover.stories.runner import Result

CRASH = "source: ../src/block/io.c:1976: f: Assertion `a[0]' failed"
LOST = Verdict(journey=("completed",), crashes=(CRASH,), blocks_lost=768, downtime=11.6)
WHOLE = Verdict(journey=("failed", "completed"), errors=("no",), blocks_lost=0)


def results(*differences: str) -> list[Result]:
    folder = Path("/logs/base")
    return [
        Result(ALL[0], "base", LOST, (), folder),
        Result(ALL[0], "patched", WHOLE, differences, folder),
    ]


def shown(found: list[Result]) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(results_table.table(found))
    return capture.get()


def test_the_table_has_both_sides() -> None:
    text = shown(results())
    for part in (ALL[0].name, "48 MiB never copied", "failed -> completed", "12 ms"):
        assert part in text
    assert "source: block/io.c:1976: f: Assertion `a[0]' failed" in text
    assert "768 / 0" in text
    assert "NOT AS DECLARED" not in text


def test_the_table_marks_what_was_not_declared() -> None:
    assert "NOT AS DECLARED" in shown(results("images differ"))


def test_the_table_shows_a_scenario_that_ran_on_one_build_only() -> None:
    other = replace(results()[0], scenario=ALL[1])
    assert "768 / -" in shown([other, *results()])


def test_the_table_has_the_builds_that_were_run() -> None:
    text = shown([replace(results()[1], build="sanitized")])
    assert "sanitized" in text
    assert "unpatched" not in text


def test_of_what_was_repeated_the_last_run_is_shown() -> None:
    base, patched = results("images differ")
    runs = [base, base, replace(base, differences=("late",)), patched]
    assert [(one["runs"], one["differences"]) for one in results_table.data(runs)] == [
        (3, ["late"]),
        (1, ["images differ"]),
    ]
    assert results_table.repeated([base, base, patched], 9) == [
        f"{ALL[0].name} on base: as declared in 2 runs",
        f"{ALL[0].name} on patched: different in run 1 of 9",
    ]


def test_the_data_can_be_written_as_json() -> None:
    base, patched = json.loads(json.dumps(results_table.data(results("images differ"))))
    assert base["as_declared"] and base["verdict"]["blocks_lost"] == 768
    assert not patched["as_declared"]
    assert patched["differences"] == ["images differ"]


def test_a_failure_says_what_and_where() -> None:
    (line,) = results_table.failures(results("images differ"))
    assert line == f"{ALL[0].name} on patched: images differ; see /logs/base"


def test_one_reason_stands_for_many() -> None:
    text = "Cannot inactivate node 'a': x; cannot inactivate node 'b': y"
    assert results_table.shortened(text) == "Cannot inactivate node 'a': x (and 1 more)"


def test_no_failure_no_line() -> None:
    assert results_table.failures(results()) == []


def test_a_small_loss_is_not_shown_as_none() -> None:
    assert results_table.size(5 * 65536) == "320 KiB"
    assert results_table.size(48 << 20) == "48 MiB"


def test_what_was_measured_is_shown_if_it_was() -> None:
    text = results_table.summary(Verdict(recovery=4.6, slowest=1999.7))
    assert text == "guest ran on after 5 ms\nslowest answer: 2000 ms"
    assert results_table.summary(Verdict()) == "nothing"
