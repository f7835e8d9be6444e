# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/reproduce, on builds that are not there: its options and exit codes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from switchover.commands import reproduce
from switchover.core.errors import VMLost, main_guard
from switchover.guest import kernel
from switchover.guest.kernel import Guest
from switchover.judging.oracle import Verdict
from switchover.qemu import build
from switchover.qemu.build import Build
from switchover.scenarios import ALL
from switchover.stories.rig import Scenario
from switchover.stories.runner import Result, Runner
from switchover.timeline import draw_run, timeline
from switchover.vm import accel
from switchover.vm.accel import Accel

FIRST, SECOND = ALL[0].name, ALL[1].name


@dataclass
class Runs:
    """What was run, in order, and what comes of it: differences, or an error."""

    done: list[tuple[str, str]] = field(default_factory=list)
    runners: list[Runner] = field(default_factory=list)
    ends: Callable[[str, str], tuple[str, ...]] = lambda _scenario, _build: ()


@pytest.fixture
def runs(project: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    made = Runs()

    async def run(runner: Runner, scenario: Scenario, where: Build) -> Result:
        # So that one can end the others before they have begun.
        await asyncio.sleep(0)
        made.runners.append(runner)
        made.done.append((scenario.name, where.name))
        different = made.ends(scenario.name, where.name)
        return Result(scenario, where.name, Verdict(), different, Path("/logs"), 1.5)

    async def choose(*_: object) -> Accel:
        return Accel("tcg", "")

    monkeypatch.setattr(build, "ensure", lambda name, _: Build(name, project))
    monkeypatch.setattr(kernel, "ensure", lambda _: Guest(project))
    monkeypatch.setattr(accel, "choose", choose)
    monkeypatch.setattr(Runner, "run", run)
    return made


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What is on stderr about each run, and at the end."""
    lines = capsys.readouterr().err.splitlines()
    return [line for line in lines if " on base: " in line or " on patched: " in line]


def test_as_declared(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    assert reproduce.main(["--scenario", FIRST]) == 0
    assert runs.done == [(FIRST, "base"), (FIRST, "patched")]
    output = capsys.readouterr()
    assert FIRST in output.out and "unpatched QEMU" in output.out
    lines = [f"{FIRST} on {name}: as declared (1.5 s)" for name in build.NAMES]
    assert [line for line in output.err.splitlines() if " on " in line] == lines


def test_all_is_run(runs: Runs) -> None:
    assert reproduce.main([]) == 0
    assert len(runs.done) == 2 * len(ALL)


def test_a_difference(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    runs.ends = lambda _, where: ("hang",) if where == "patched" else ()
    assert reproduce.main(["--scenario", FIRST, "--json"]) == 1
    output = capsys.readouterr()
    assert [one["as_declared"] for one in json.loads(output.out)] == [True, False]
    line = f"{FIRST} on patched: hang; see /logs"
    assert f"{line} (1.5 s)\n" in output.err
    assert output.err.endswith(f"{line}\n")


def test_a_difference_ends_nothing_that_is_not_repeated(
    runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.ends = lambda _, where: ("hang",) if where == "base" else ()
    assert reproduce.main(["--scenario", FIRST, SECOND, "--json"]) == 1
    told = [one["as_declared"] for one in json.loads(capsys.readouterr().out)]
    assert sorted(told) == [False, False, True, True]


def test_a_pattern_and_a_build(runs: Runs) -> None:
    pattern = f"{FIRST[:-1]}*"
    assert reproduce.main(["--scenario", pattern, "--build", "tsan"]) == 0
    assert (FIRST, "tsan") in runs.done
    assert {where for _, where in runs.done} == {"tsan"}
    assert ALL[-1].name not in {name for name, _ in runs.done}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--scenario", "no-such-*"], "there is no scenario 'no-such-*'"),
        (["--build", "neither"], "there is no build 'neither' here; there are base"),
        (["--repeat", "0"], "'0' is not a number of 1 or more"),
    ],
)
def test_usage(
    runs: Runs, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        reproduce.main(words)
    assert caught.value.code == 2
    assert sentence in capsys.readouterr().err
    assert not runs.done


def test_scenarios_are_listed(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    assert reproduce.main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [one.name for one in ALL]
    assert lines[0].endswith(ALL[0].title)
    assert reproduce.main(["--list", "--json", "--scenario", SECOND]) == 0
    known = [{"scenario": SECOND, "title": ALL[1].title}]
    assert json.loads(capsys.readouterr().out) == known
    assert not runs.done


def test_repeated(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--scenario", FIRST, "--build", "base", "--repeat", "3"]
    assert reproduce.main(words) == 0
    assert len(runs.done) == 3
    assert said(capsys)[-1] == f"{FIRST} on base: as declared in 3 runs"


def test_the_first_difference_ends_it(
    runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.ends = lambda *_: ("hang",) if len(runs.done) in (2, 3) else ()
    words = ["--scenario", FIRST, "--build", "base", "--repeat"]
    assert reproduce.main([*words, "9"]) == 1
    assert len(runs.done) == 2
    assert said(capsys)[-1] == f"{FIRST} on base: different in run 2 of 9"
    assert reproduce.main([*words, "2"]) == 1
    assert len(runs.done) == 3


@pytest.mark.parametrize("traced", [False, True])
def test_a_run_is_drawn_if_that_is_asked_for(
    runs: Runs, traced: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--scenario", FIRST, "--build", "base"]
    assert reproduce.main(words + ["--timeline"] * traced) == 0
    (runner,) = runs.runners
    assert runner.witness == (draw_run.write if traced else None)
    assert runner.traced == (timeline.EVENTS if traced else ())
    assert ("timeline: /logs/" in capsys.readouterr().err) == traced


@pytest.mark.parametrize(
    ("error", "code"), [(VMLost("it did not start"), 18), (KeyboardInterrupt(), 130)]
)
def test_what_is_finished_is_shown_however_it_ends(
    runs: Runs, error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def ends(name: str, _where: str) -> tuple[str, ...]:
        if name == SECOND:
            raise error
        return ()

    runs.ends = ends
    words = ["--scenario", FIRST, SECOND, "--json"]
    assert main_guard(lambda: reproduce.main(words)) == code
    shown = json.loads(capsys.readouterr().out)
    assert {one["scenario"] for one in shown} == {FIRST}
