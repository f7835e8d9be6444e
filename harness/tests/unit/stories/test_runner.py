# SPDX-License-Identifier: GPL-2.0-or-later
"""The runner: what a story shows is judged, and what is no verdict is raised."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from fake_vm import FakeVM, fake

from switchover.core import paths
from switchover.core.errors import VMLost
from switchover.guest import disk
from switchover.guest.kernel import Guest
from switchover.guest.nbdclient import NBDClient
from switchover.judging.oracle import Evidence, Expected
from switchover.qemu.build import Build
from switchover.stories import rig as rig_module
from switchover.stories import runner
from switchover.stories.rig import Rig, Scenario
from switchover.stories.runner import Result, Runner
from switchover.vm.accel import Accel
from switchover.vm.monitor import Event
from switchover.vm.vm import Died, Hang, Refused


@dataclass(frozen=True)
class Story(Scenario):
    """A scenario that needs no QEMU: it does what it is given."""

    with_guest: bool = False
    tell: Callable[[Rig], Awaitable[None]] | None = None

    async def run(self, rig: Rig) -> None:
        if self.tell:
            await self.tell(rig)


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """A runner whose rigs have no processes."""

    def vm(
        name: str, _command: list[str], folder: Path, _environment: object
    ) -> FakeVM:
        made = FakeVM(name)
        made.folder = folder
        return made

    monkeypatch.setattr(paths, "LOGS", tmp_path)
    monkeypatch.setattr(rig_module, "VM", vm)
    return Runner(Guest(tmp_path / "guest"), Accel("tcg", ""))


@pytest.fixture
def play(tmp_path: Path, harness: Runner) -> Callable[..., Result]:
    def play(tell: Callable[[Rig], Awaitable[None]], **expected: Any) -> Result:
        story = Story("story", "a story", {"base": Expected(**expected)}, tell=tell)
        build = Build("base", tmp_path / "build")
        return asyncio.run(harness.run(story, build))

    return play


def test_both_sides_agree_and_each_migration_goes_the_declared_way(
    harness: Runner, tmp_path: Path
) -> None:
    async def tell(rig: Rig) -> None:
        await rig.boot()
        told.extend(fake(vm).said("migrate-set-capabilities") for vm in rig.vms)
        await rig.migrate()
        (migrated,) = fake(rig.source).said("migrate")
        told.append(migrated["channels"][0]["addr"]["transport"])

    told: list[Any] = []
    outcome = {"base": Expected()}
    story = Story(
        *("story", "a story", outcome),
        tell=tell,
        agreed=("multifd",),
        transport="file",
    )
    asyncio.run(harness.run(story, Build("base", tmp_path / "build")))
    multifd = {"capabilities": [{"capability": "multifd", "state": True}]}
    assert told == [[multifd], [multifd], "file"]


def raising(error: Exception) -> Callable[[Rig], Awaitable[None]]:
    async def tell(_rig: Rig) -> None:
        raise error

    return tell


def test_a_refusal_ends_the_story_and_is_an_error(play: Callable[..., Result]) -> None:
    tell = raising(Refused("migrate: no"))
    assert not play(tell, errors=("^migrate: no$",)).differences
    assert play(tell).differences == ("unexpected error: migrate: no",)


def test_a_hang_is_a_verdict(play: Callable[..., Result]) -> None:
    result = play(raising(Hang("source: no answer")))
    assert result.differences == ("hang: source: no answer",)
    assert "no answer" in (result.folder / "verdict.json").read_text()


def test_a_story_without_an_end_is_a_hang_with_backtraces_of_all(
    play: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def tell(_rig: Rig) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(runner, "SCENARIO_SECONDS", 0.1)
    result = play(tell)
    assert result.verdict.hang
    found = [result.folder / f"{name}.backtrace" for name in ("source", "destination")]
    assert result.verdict.hang.endswith("; see " + ", ".join(map(str, found)))
    assert result.differences


def test_another_timeout_is_no_verdict(play: Callable[..., Result]) -> None:
    with pytest.raises(TimeoutError, match="of something else"):
        play(raising(TimeoutError("of something else")))


@pytest.mark.parametrize("error", [Refused("no"), KeyError("a bug in a story")])
def test_what_is_left_ends_whatever_happens(
    play: Callable[..., Result], error: Exception
) -> None:
    rigs: list[Rig] = []

    async def tell(rig: Rig) -> None:
        rigs.append(rig)
        raise error

    with contextlib.suppress(KeyError):
        play(tell)
    assert all(vm.killed for vm in rigs[0].vms)
    quits = isinstance(error, Refused)
    assert all(bool(fake(vm).said("quit")) is quits for vm in rigs[0].vms)


def test_a_death_in_the_middle_is_a_difference(play: Callable[..., Result]) -> None:
    died = "source ended with -6 before completed"
    assert play(raising(Died(died))).differences == (died,)


def test_all_that_a_rig_has_seen_is_judged(play: Callable[..., Result]) -> None:
    async def tell(rig: Rig) -> None:
        for vm in rig.vms:
            vm.console.text = "ACK 0 1\r\n"
        for status in ("setup", "active", "device", "completed"):
            rig.source.events.append(Event("MIGRATION", {"status": status}, 0))
        for side in (rig.source, rig.destination):
            disk.make_blank(rig.image(side, 0), disk.MIB)
        rig.owner = rig.destination
        rig.destination.exit_code = -6
        await rig.images.compare()

    crash = {"journey": ("completed",), "crash": "^destination: SIGABRT$"}
    lost = ("1 acknowledged records are lost",)
    assert play(tell, **crash).differences == lost
    assert not play(tell, **crash, records_lost=True).differences
    assert play(tell, journey=("completed",), records_lost=True).differences


def test_disks_that_only_clients_write_to_are_judged_too(
    play: Callable[..., Result],
) -> None:
    async def tell(rig: Rig) -> None:
        rig.source.events.append(Event("MIGRATION", {"status": "setup"}, 0))
        rig.source.events.append(Event("MIGRATION", {"status": "failed"}, 0))
        rig.shared._clients.append(NBDClient(0))
        rig.shared._clients[0].acknowledged = {1: 1}
        disk.make_blank(rig.shared._image("source", 0), disk.MIB)

    assert play(tell, journey=("failed",)).differences == (
        "1 acknowledged records are lost",
    )


def test_what_was_not_looked_at_is_a_difference(play: Callable[..., Result]) -> None:
    async def tell(rig: Rig) -> None:
        for status in ("setup", "active", "device", "completed"):
            rig.source.events.append(Event("MIGRATION", {"status": status}, 0))

    result = play(tell, journey=("completed",))
    assert result.differences == ("disk0 was not compared",)


def test_a_guest_has_to_have_said_something(tmp_path: Path, harness: Runner) -> None:
    async def tell(rig: Rig) -> None:
        for status in ("setup", "failed"):
            rig.source.events.append(Event("MIGRATION", {"status": status}, 0))

    outcome = {"base": Expected(journey=("failed",))}
    story = Story("story", "a story", outcome, with_guest=True, tell=tell)
    result = asyncio.run(harness.run(story, Build("base", tmp_path / "build")))
    assert result.differences == (
        "no record of disk0 was acknowledged",
        "no record of disk0 was read",
    )


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (VMLost("QEMU 'source' did not start"), VMLost),
        (OSError(errno.ENOSPC, "No space left on device"), OSError),
        (ZeroDivisionError(), ZeroDivisionError),
    ],
)
def test_what_is_no_verdict_is_raised_after_what_has_finished(
    tmp_path: Path, harness: Runner, error: Exception, raised: type[Exception]
) -> None:
    outcome = {"base": Expected()}

    async def wait(_rig: Rig) -> None:
        await asyncio.Event().wait()

    stories = [
        Story("waits", "a story", outcome, tell=wait),
        Story("first", "a story", outcome),
        Story("second", "a story", outcome, tell=raising(error)),
    ]
    done: list[Result] = []
    builds = [Build("base", tmp_path / "build")]
    with pytest.raises(raised):
        asyncio.run(harness.run_all(stories, builds, done.append))
    assert [result.scenario.name for result in done] == ["first"]
    assert (tmp_path / "first" / "base" / "verdict.json").exists()


def test_each_is_run_on_each_build(tmp_path: Path, harness: Runner) -> None:
    outcome = {"base": Expected(), "patched": Expected(journey=("completed",))}
    builds = [Build(name, tmp_path / "build") for name in outcome]
    done: list[Result] = []
    results = asyncio.run(
        harness.run_all([Story("story", "a story", outcome)], builds, done.append)
    )
    assert [result.build for result in results] == ["base", "patched"]
    assert done == results
    assert [bool(result.differences) for result in results] == [False, True]


def test_a_witness_sees_the_evidence(tmp_path: Path, harness: Runner) -> None:
    seen: list[tuple[str, str | None]] = []

    def witness(title: str, _rig: Rig, evidence: Evidence) -> None:
        seen.append((title, evidence.hang))

    story = Story("story", "a story", {"base": Expected()}, tell=raising(Hang("x")))
    watched = replace(harness, witness=witness)
    asyncio.run(watched.run(story, Build("base", tmp_path / "build")))
    assert seen == [("story on base", "x")]


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
