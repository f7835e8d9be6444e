# SPDX-License-Identifier: GPL-2.0-or-later
"""Outcomes are compared with what iotests/base.toml declares."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from switchover.core import paths
from switchover.suites import iotest_result
from switchover.suites.iotest_check import QemuTestRun
from switchover.suites.iotest_result import IotestResult, missing

DECLARED = """
[whole]
fails = "aborts"

[cases.fails]
"TestMirror.test_it" = "^KeyError: 'error'$"
"""
TEXT = "qemu: Assertion failed\nKeyError: 'error'\n\nRan 1 tests\n"


def outcome(status: str, text: str = "") -> QemuTestRun:
    return QemuTestRun(status, "why", 1.25, Path("/log"), text)


def result(regex: str | None, status: str, text: str = "") -> IotestResult:
    return IotestResult("t", "raw", "A.test_b", regex, outcome(status, text))


@pytest.mark.usefixtures("project")
def test_declarations_are_read() -> None:
    paths.IOTESTS.mkdir()
    (paths.IOTESTS / iotest_result.FILE).write_text(DECLARED)
    declared = iotest_result.declared("base")
    assert declared["whole"] == {None: "aborts"}
    assert declared["cases"] == {"TestMirror.test_it": "^KeyError: 'error'$"}
    assert iotest_result.declared("patched") == {}


@pytest.mark.usefixtures("project")
def test_no_declarations_are_needed() -> None:
    assert iotest_result.declared("base") == {}


@pytest.mark.parametrize(
    ("regex", "status", "text", "as_declared"),
    [
        (None, "pass", "", True),
        (None, "fail", TEXT, False),
        (None, "not run", "", False),
        (None, "hang", "no end after 9 s", False),
        ("^KeyError: 'error'$", "fail", TEXT, True),
        ("Assertion .*", "fail", TEXT, True),
        ("^KeyError: 'desc'$", "fail", TEXT, False),
        ("^KeyError: 'error'$", "pass", "", False),
        ("^KeyError: 'error'$", "hang", "no end after 9 s", False),
        ("^no end after", "hang", "waiting\nno end after 9 s", True),
    ],
)
def test_comparison(
    regex: None | str, status: str, text: Any, as_declared: bool
) -> None:
    assert result(regex, status, text).as_declared is as_declared


def test_a_difference_says_what_was_expected_and_what_was() -> None:
    line = str(result("^No$", "fail", TEXT))
    assert line == "t A.test_b (raw): expected fail: ^No$; was fail: why; see /log"


def test_data() -> None:
    data = json.loads(json.dumps(result("KeyError", "fail", TEXT).as_data()))
    assert data == {
        "test": "t",
        "format": "raw",
        "case": "A.test_b",
        "expected": "fail: KeyError",
        "outcome": "fail",
        "reason": "KeyError: 'error'",
        "as_declared": True,
        "seconds": 1.2,
        "log": "/log",
    }
    whole = IotestResult("t", "raw", None, None, outcome("pass"))
    assert "case" not in whole.as_data()


@pytest.mark.usefixtures("project")
def test_what_is_declared_has_to_be_there() -> None:
    declared: dict[str | None, str] = {"A.test_a": "x", "A.test_b": "x"}
    (gone,) = missing("t", declared, ["A.test_b", "A.test_c"])
    assert gone.case == "A.test_a" and not gone.as_declared
    (gone,) = missing("t", {None: "x"})
    assert gone.case is None and not gone.as_declared


def test_the_projects_own_declarations_can_be_read() -> None:
    """Not in a project of its own: this is about the file that is in use."""
    declared = iotest_result.declared("base")
    assert declared
    for test in declared:
        assert (paths.IOTESTS / test).is_file()
