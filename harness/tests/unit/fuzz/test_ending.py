# SPDX-License-Identifier: GPL-2.0-or-later
"""After each step, and in the end, all that must be so is looked at."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast
from unittest.mock import AsyncMock

import pytest
from fake_player import RUNNING, STOPPED, Always, player
from fake_vm import FakeVM

from switchover.fuzz import jobs as jobs_module
from switchover.fuzz.ending import Ending
from switchover.fuzz.management import Guarantee
from switchover.fuzz.player import Player
from switchover.fuzz.processes import DESTINATION, SOURCE
from switchover.judging.oracle import Verdict
from switchover.vm.monitor import Event

LOOK = {"at": SOURCE, "client": 0}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No guest writes, and no client connects."""
    monkeypatch.setattr(Player, "records", AsyncMock())
    monkeypatch.setattr("switchover.fuzz.clients.Clients.connect", AsyncMock())


def source_of(one: Player) -> FakeVM:
    return cast(FakeVM, one.processes.source)


def alive(one: Player) -> Player:
    for vm in (one.processes.source, one.processes.destination):
        vm.exit_code, vm.told_to_quit = None, False
    return one


def looked(one: Player) -> Player:
    """A player that has played a step, one that does nothing."""
    asyncio.run(one.play(LOOK))
    return one


def under_way(tmp_path: Path, *statuses: str) -> Player:
    """The guest runs at the source, and its migration has gone like this."""
    one = player(tmp_path, RUNNING, STOPPED, statuses[-1])
    source_of(one).events = []
    for status in statuses:
        source_of(one).event("MIGRATION", status=status)
    cast(FakeVM, one.processes.destination).events = []
    return alive(one)


def test_nothing_is_wrong(tmp_path: Path) -> None:
    one = looked(under_way(tmp_path, "setup", "active"))
    assert not one.over and one.notes.surprises == []


def test_a_process_that_has_ended_by_itself_ends_the_sequence(tmp_path: Path) -> None:
    one = under_way(tmp_path, "setup", "active")
    one.processes.destination.exit_code = 1
    assert looked(one).over
    # Nothing is played any more.
    looked(one)
    assert one.played == [LOOK]


def test_a_status_that_must_not_follow(tmp_path: Path) -> None:
    one = looked(under_way(tmp_path, "setup", "completed"))
    assert one.over and one.notes.surprises == ["status completed after setup"]


def test_ready_that_is_not_announced(tmp_path: Path) -> None:
    ready = ["setup", "active", "ready", "cancelling", "cancelled"] * 2
    one = looked(under_way(tmp_path, *ready))
    assert one.over and "announced 0 times" in one.notes.surprises[0]


def test_the_guest_runs_at_both_sides(tmp_path: Path) -> None:
    one = alive(player(tmp_path, RUNNING, RUNNING, "setup"))
    assert "the guest runs at both sides" in looked(one).notes.surprises


@pytest.mark.parametrize("there, differs", [(b"same", 0), (b"else", 1)])
def test_images_are_compared_at_completed(
    tmp_path: Path, there: bytes, differs: int
) -> None:
    one = under_way(tmp_path, "setup", "active", "device", "completed")
    source_of(one)._answers["query-status"] = STOPPED
    events = source_of(one).events
    events.insert(0, Event("JOB_STATUS_CHANGE", {"id": "m0", "status": "created"}, 0))
    events.insert(1, Event("JOB_STATUS_CHANGE", {"id": "m0", "status": "ready"}, 0))
    cast(FakeVM, one.processes.destination).event("MIGRATION", status="completed")
    one.processes.image(SOURCE, 0).write_bytes(b"same")
    one.processes.image(DESTINATION, 0).write_bytes(there)
    assert looked(one).over == bool(differs)
    assert one.ownership.guarantees == {0: Guarantee.OWED}
    assert one.ownership.differences[0].blocks == differs


def ended(one: Player, **answers: list[Any]) -> list[str]:
    """What the last step finds, if there are answers like these."""
    for command in ("query_jobs", "query_block_jobs"):
        answers.setdefault(command, [])
    for vm in (one.processes.source, one.processes.destination):
        for command, answer in answers.items():
            name = command.replace("_", "-")
            cast(FakeVM, vm)._answers[name] = Always(answer)
    asyncio.run(Ending(one).play({"finish": "complete"}))
    return one.notes.surprises


def test_a_guest_that_goes_on_at_the_source(tmp_path: Path) -> None:
    one = under_way(tmp_path, "setup", "active", "failed")
    source_of(one)._answers["query-migrate"] = {"status": "failed", "error-desc": "x"}
    assert ended(one) == []
    assert source_of(one).said("cont")


def test_a_guest_that_does_not_go_on(tmp_path: Path) -> None:
    one = under_way(tmp_path, "setup", "active", "failed")
    source_of(one)._answers["query-migrate"] = {"status": "failed", "error-desc": "x"}
    source_of(one)._answers["query-status"] = STOPPED
    assert ended(one) == ["after failed the guest is postmigrate, because of x"]
    assert one.over


def test_a_node_that_is_left_inactive(tmp_path: Path) -> None:
    nodes = [{"node-name": "disk0", "active": False}]
    one = under_way(tmp_path, "setup", "active", "cancelling", "cancelled")
    wrong = ended(one, query_named_block_nodes=nodes)
    assert wrong == ["node disk0 is inactive at the source"]


def test_a_migration_that_does_not_complete_from_its_pause(tmp_path: Path) -> None:
    one = under_way(tmp_path, "setup", "active", "pre-switchover")
    source_of(one)._answers["query-status"] = STOPPED
    going_on = FakeVM.qmp

    async def qmp(vm: FakeVM, command: str, **arguments: Any) -> Any:
        if command == "migrate-continue":
            vm.event("MIGRATION", status="failed")
            vm._answers["query-status"] = RUNNING
            vm._answers["query-migrate"] = {"status": "failed", "error-desc": "x"}
        return await going_on(vm, command, **arguments)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(FakeVM, "qmp", qmp)
        assert ended(one) == ["failed from pre-switchover, because of no reason"]


def test_a_job_that_does_not_end_hangs(tmp_path: Path) -> None:
    one = under_way(tmp_path, "setup", "active", "pre-switchover")
    source_of(one)._answers["query-status"] = STOPPED
    source_of(one).event("JOB_STATUS_CHANGE", id="m0", status="running")
    ended(one, query_jobs=[{"id": "m0", "type": "backup"}])
    assert one.over and one.notes.hang == "end of job m0"


def test_a_job_that_fails_after_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(jobs: jobs_module.Jobs, job: str) -> None:
        source_of(jobs._player).event("BLOCK_JOB_COMPLETED", device=job, error="EIO")

    monkeypatch.setattr(jobs_module.Jobs, "ended", fails)
    one = under_way(tmp_path, "setup", "active", "device", "completed")
    source_of(one)._answers["query-status"] = STOPPED
    cast(FakeVM, one.processes.destination).event("MIGRATION", status="completed")
    wrong = ended(one, query_jobs=[{"id": "m0", "type": "mirror"}])
    assert wrong == ["after completed a job ends with EIO"]


def test_all_that_was_noted_is_judged(tmp_path: Path) -> None:
    one = under_way(tmp_path, "setup", "active")
    one.notes.surprises.append("x")
    one.processes.disks = range(0)
    verdict: Verdict = asyncio.run(one.verdict())
    assert "x" in verdict.wrong()
