# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from switchover.suites.comparison import DIFFERENT, FLAKY, SAME, Comparison, count
from switchover.suites.iotest_check import QemuTestRun


def outcome(ending: str) -> QemuTestRun:
    """ "pass", or "fail: REASON" """
    status, _, reason = ending.partition(": ")
    return QemuTestRun(status, reason, 1.0, Path(f"/{status}"))


def compare(
    base: str, patched: str, again: tuple[list[str], list[str]] | None = None
) -> Comparison:
    first = {"base": outcome(base), "patched": outcome(patched)}
    if again is None:
        return Comparison("041", "raw", first)
    runs = {
        build: [outcome(ending) for ending in endings]
        for build, endings in zip(("base", "patched"), again, strict=True)
    }
    return Comparison("041", "raw", first, runs)


@pytest.mark.parametrize(
    ("base", "patched", "differed"),
    [
        ("pass", "pass", False),
        ("not run: no fuse", "not run: no fuse", False),
        ("hang: no end after 300 s", "hang: no end after 300 s", False),
        ("fail: -offset 4096", "fail: -offset 8192", False),
        ("pass", "fail: -offset", True),
        ("fail: -offset", "fail: -job", True),
        ("fail: -offset", "hang: no end after 300 s", True),
        ("pass", "not run: no fuse", True),
    ],
)
def test_when_it_is_run_again(base: str, patched: str, differed: bool) -> None:
    assert compare(base, patched).differed is differed


@pytest.mark.parametrize(
    ("base", "patched", "verdict"),
    [
        (["pass"] * 3, ["fail: x"] * 3, DIFFERENT),
        (["pass"] * 3, ["fail: x", "hang: y", "fail: x"], DIFFERENT),
        (["pass"] * 3, ["pass"] * 3, FLAKY),
        (["pass"] * 3, ["fail: x", "pass", "fail: x"], DIFFERENT),
        (["pass"] * 3, ["fail: x", "pass", "pass"], FLAKY),
        (["fail: x", "pass", "pass"], ["fail: x"] * 3, FLAKY),
    ],
)
def test_only_runs_alone_count(base: Any, patched: Any, verdict: Any) -> None:
    assert compare("pass", "fail: x", (base, patched)).verdict == verdict


def test_what_never_differed_is_the_same() -> None:
    assert compare("pass", "pass").verdict == SAME


def test_all_that_was_seen_is_shown() -> None:
    again = (["pass"] * 3, ["pass", "fail: x", "pass"])
    assert compare("pass", "fail: x", again).shown() == (
        "flaky: 041 (raw)\n"
        "  base: first pass; alone 3 x pass; see /pass\n"
        "  patched: first fail: x; alone 2 x pass, 1 x fail: x; see /fail"
    )


def test_data() -> None:
    compared = compare("pass", "fail: x", (["pass"] * 3, ["fail: x"] * 3))
    data = json.loads(json.dumps(compared.as_data()))
    assert data["verdict"] == DIFFERENT
    assert data["patched"]["outcomes"] == {"fail: x": 3}
    assert data["patched"]["log"] == "/fail"


def test_count() -> None:
    compared = [
        compare("pass", "pass"),
        compare("not run: x", "not run: x"),
        compare("fail: x", "fail: x"),
        compare("pass", "fail: x", (["pass"], ["fail: x"])),
    ]
    assert count(compared) == (
        "3 same, 0 flaky, 1 different; of the same, 1 were not run and 1 failed on both"
    )
