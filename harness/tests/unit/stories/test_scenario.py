# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios are data: complete and well-formed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from switchover.core import paths
from switchover.guest.kernel import Guest
from switchover.judging.oracle import Expected
from switchover.qemu.build import NAMES, Build
from switchover.scenarios import ALL, BY_NAME
from switchover.stories import runner
from switchover.stories.rig import Rig
from switchover.stories.runner import Result, Runner
from switchover.stories.scenario import Scenario
from switchover.vm.accel import Accel
from switchover.vm.vm import Died, Hang, Refused


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.name)
def test_each_declares_an_outcome_for_each_build(scenario: Scenario) -> None:
    assert sorted(scenario.expected) == sorted(NAMES)
    assert 1 <= scenario.disks <= 16
    assert "\n" not in scenario.title
    for expected in scenario.expected.values():
        for pattern in (*expected.errors, *expected.writers, *expected.stderr):
            re.compile(pattern)


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(ALL)


@dataclass(frozen=True)
class Story(Scenario):
    """A scenario that needs no QEMU: it does what it is given."""

    tell: Callable[[Rig], Awaitable[None]] | None = None

    async def run(self, rig: Rig) -> None:
        assert self.tell
        await self.tell(rig)


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    async def nothing(rig: Rig) -> None:
        pass

    monkeypatch.setattr(paths, "LOGS", tmp_path)
    monkeypatch.setattr(Rig, "quit", nothing)
    # No process is started, so the judge would ask why none has ended well.
    monkeypatch.setattr(runner.rig_evidence, "_vm", lambda vm: _clean(vm.name))

    def play(tell: Callable[[Rig], Awaitable[None]], **expected: object) -> Result:
        outcome = {"base": Expected(**expected)}
        story = Story("story", "a story", outcome, tell=tell)
        build = Build("base", tmp_path / "build")
        harness = Runner(Guest(tmp_path / "guest"), Accel("tcg", ""))
        return asyncio.run(harness.run(story, build))

    return play


def _clean(name: str) -> object:
    return runner.oracle.VMEvidence(name, 0, True, False, "")


def test_a_refusal_ends_the_story_and_is_an_error(play: Callable[..., Result]) -> None:
    async def tell(rig: Rig) -> None:
        raise Refused("migrate: no")

    assert not play(tell, errors=("^migrate: no$",)).differences
    assert play(tell).differences == ("unexpected error: migrate: no",)


def test_a_hang_is_a_verdict(play: Callable[..., Result]) -> None:
    async def tell(rig: Rig) -> None:
        raise Hang("source: no answer")

    result = play(tell)
    assert result.differences == ("hang: source: no answer",)
    assert "no answer" in (result.folder / "verdict.json").read_text()


def test_a_story_without_an_end_is_a_hang(
    play: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def tell(rig: Rig) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(runner, "SCENARIO_SECONDS", 0.1)
    assert play(tell).verdict.hang


def test_a_death_in_the_middle_is_a_difference(play: Callable[..., Result]) -> None:
    async def tell(rig: Rig) -> None:
        raise Died("source ended with -6 before completed")

    assert play(tell).differences == ("source ended with -6 before completed",)


def test_images_are_kept_only_after_a_failure(play: Callable[..., Result]) -> None:
    async def tell(rig: Rig) -> None:
        rig.image(rig.source, 0).write_bytes(b"image")

    assert not list(play(tell).folder.glob("*.raw"))
    assert list(play(tell, errors=("x",)).folder.glob("*.raw"))


def test_an_older_run_leaves_nothing_behind(play: Callable[..., Result]) -> None:
    async def tell(rig: Rig) -> None:
        pass

    old = play(tell).folder / "old"
    old.touch()
    play(tell)
    assert not old.exists()
