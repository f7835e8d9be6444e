# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/test: which suites run, what is counted, and the exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from switchover.commands import test
from switchover.commands.test import Chosen, Suite
from switchover.core import errors
from switchover.core.lock import exclusive
from switchover.core.progress import Progress
from switchover.qemu.build import Build
from switchover.series.finding import Finding

Play = Callable[..., tuple[int, str]]


@pytest.fixture
def run(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Play:
    """Run scripts/test with these suites: the exit code, and the last line."""

    def run(*suites: Suite, arguments: tuple[str, ...] = ()) -> tuple[int, str]:
        monkeypatch.setattr(test, "SUITES", suites)
        code = errors.main_guard(lambda: test.main(arguments))
        return code, capsys.readouterr().out.splitlines()[-1]

    assert project.exists()
    return run


def suite(passed: int, failed: int, options: str = "default", lock: str = "") -> Suite:
    return Suite(options, lambda _: (passed, failed), lock)


def test_all_that_pass_are_counted(run: Play) -> None:
    assert run(suite(1, 0), suite(2, 0)) == (0, "3 passed, 0 failed")


def test_one_that_fails_is_counted_wherever_it_is(run: Play) -> None:
    assert run(suite(1, 0), suite(0, 1), suite(2, 0)) == (1, "3 passed, 1 failed")


@pytest.mark.parametrize("lock", ["", "iotests"])
def test_nothing_at_all_is_no_success(run: Play, lock: str) -> None:
    assert run(Suite("default", lambda _: None, lock)) == (1, "0 passed, 0 failed")


@pytest.mark.parametrize("lock", ["", "iotests"])
def test_a_suite_is_told_what_is_chosen(run: Play, lock: str) -> None:
    one = Suite("unit", lambda chosen: (len(chosen.option), 0), lock)
    assert run(one, arguments=("--unit",)) == (0, "4 passed, 0 failed")


def test_an_option_chooses(run: Play) -> None:
    suites = [suite(1, 0, "default unit"), suite(2, 0), suite(4, 0, "upstream")]
    assert run(*suites, arguments=("--unit",)) == (0, "1 passed, 0 failed")
    assert run(*suites, arguments=("--upstream",)) == (0, "4 passed, 0 failed")
    assert run(*suites) == (0, "3 passed, 0 failed")


def test_an_error_keeps_its_exit_code_and_what_has_ended(run: Play) -> None:
    def fail(_chosen: Chosen) -> tuple[int, int]:
        raise errors.VMLost("QEMU did not start")

    suites = suite(1, 1), Suite("default", fail), suite(2, 0)
    assert run(*suites) == (errors.VMLost.exit_code, "1 passed, 1 failed")


def test_nothing_else_that_takes_a_lock_runs_meanwhile(run: Play) -> None:
    def held(_chosen: Chosen) -> tuple[int, int]:
        with pytest.raises(errors.Busy), exclusive("iotests", "testing"):
            pass
        return 1, 0

    assert run(Suite("default", held, lock="iotests"))[0] == 0
    with exclusive("iotests", "testing"):
        code, _ = run(suite(1, 0, lock="iotests"))
    assert code == errors.Busy.exit_code


@pytest.mark.parametrize(
    ("option", "names"),
    [
        ("default", ["base", "patched"]),
        ("upstream", ["base", "patched"]),
        ("sanitized", ["sanitized"]),
        ("races", ["tsan"]),
        ("coverage", ["coverage"]),
    ],
)
def test_builds_are_made_once(
    project: Path, monkeypatch: pytest.MonkeyPatch, option: str, names: list[str]
) -> None:
    made: list[str] = []

    def ensure(name: str, _progress: Progress) -> Build:
        made.append(name)
        return Build(name, project)

    monkeypatch.setattr("switchover.qemu.build.ensure", ensure)
    chosen = Chosen(option, Progress())
    assert not made
    assert chosen.patched == chosen.builds[-1] == Build(names[-1], project)
    assert made == names


def test_every_option_has_suites() -> None:
    chosen = {option for suite in test.SUITES for option in suite.options.split()}
    assert chosen == {*test.OPTIONS, test.DEFAULT}


def test_what_is_wrong_with_the_series_is_counted_and_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [Finding("export"), Finding("checkpatch", "no", 2, "b")]
    monkeypatch.setattr("switchover.series.check.fast", lambda _progress: found)
    assert test._check_series(Progress()) == (1, 1)
    assert capsys.readouterr().out == f"{found[1]}\n"
    monkeypatch.setattr("switchover.series.check.fast", lambda _progress: found[:1])
    assert test._check_series(Progress()) == (1, 0)
    assert capsys.readouterr().out == ""
