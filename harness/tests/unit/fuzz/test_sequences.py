# SPDX-License-Identifier: GPL-2.0-or-later
"""What a sequence is judged by has to fail when something is wrong."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from pathlib import Path
from typing import Any, cast
from unittest.mock import AsyncMock, Mock

import pytest
from fake_player import RUNNING, STOPPED, player
from fake_vm import FakeVM

from switchover.fuzz import search, step
from switchover.fuzz.ending import Ending
from switchover.fuzz.jobs import Jobs
from switchover.fuzz.management import Accepted, Guarantee, guarantee
from switchover.fuzz.player import Player
from switchover.fuzz.processes import DESTINATION, SOURCE
from switchover.fuzz.rules import Sequence
from switchover.judging.journey import illegal, of_migrations
from switchover.judging.oracle import Verdict
from switchover.qemu.build import Build
from switchover.vm.monitor import Event
from switchover.vm.vm import VM


def job(status: str) -> Event:
    return Event("JOB_STATUS_CHANGE", {"id": "m0", "status": status}, 0)


def status(name: str) -> Event:
    return Event("MIGRATION", {"status": name}, 0)


def end(name: str = "BLOCK_JOB_COMPLETED", **data: Any) -> Event:
    return Event(name, {"device": "m0", **data}, 0)


def told(position: int, **how: Any) -> list[Accepted]:
    """The job was cancelled after so many events."""
    return [Accepted("block-job-cancel", {"device": "m0", **how}, position)]


STOP, RESUME = (Event(name, {}, 0) for name in ("STOP", "RESUME"))
BORN, READY, GONE = job("created"), job("ready"), job("null")
SETUP, COMPLETED = status("setup"), status("completed")


@pytest.mark.parametrize(
    "owed, events",
    [
        (Guarantee.NONE, [SETUP, STOP]),
        # It lives, in sync or not.
        (Guarantee.OWED, [BORN, SETUP, STOP]),
        (Guarantee.OWED, [SETUP, STOP, BORN, READY]),
        # It has ended while the guest was stopped, and after that the guest has run.
        (Guarantee.OWED, [BORN, READY, SETUP, STOP, end(), GONE]),
        (Guarantee.NONE, [BORN, READY, STOP, end(), GONE, RESUME, SETUP, STOP]),
        # Management has ended it too early.
        (Guarantee.NONE, [BORN, READY, end(), GONE, SETUP, STOP]),
        # It has ended, but nobody has told it to.
        (Guarantee.OWED, [BORN, READY, SETUP, STOP, end("BLOCK_JOB_CANCELLED"), GONE]),
        # It has failed in this migration, or before.
        (Guarantee.OWED, [BORN, SETUP, end(error="Input/output error"), GONE, STOP]),
        (Guarantee.NONE, [BORN, end(error="Input/output error"), GONE, SETUP, STOP]),
        # It was refused, whatever one of that name has done before.
        (Guarantee.NONE, [SETUP, STOP, BORN, GONE]),
        (Guarantee.OWED, [BORN, READY, SETUP, STOP, end(), GONE, BORN, GONE]),
        # A later one has taken its place.
        (Guarantee.OWED, [BORN, end("BLOCK_JOB_CANCELLED"), GONE, BORN, SETUP, STOP]),
    ],
)
def test_what_is_owed(owed: Guarantee, events: list[Event]) -> None:
    assert guarantee("m0", [*events, COMPLETED], []) is owed


@pytest.mark.parametrize(
    "owed, commands, events",
    [
        # Ended by management before it was in sync, or by force.
        (
            Guarantee.NONE,
            told(2),
            [BORN, SETUP, end("BLOCK_JOB_CANCELLED"), STOP],
        ),
        (Guarantee.NONE, told(3, force=True), [BORN, READY, SETUP, STOP]),
        # In vain, whatever it says at its end.
        (
            Guarantee.NONE,
            told(4, force=True),
            [BORN, READY, SETUP, STOP, end(), GONE],
        ),
        # In sync, told to end, and not there yet.
        (Guarantee.OWED, told(3), [BORN, READY, SETUP, STOP]),
        # What the job before it was told has nothing to do with this one.
        (
            Guarantee.OWED,
            told(1, force=True),
            [BORN, end("BLOCK_JOB_CANCELLED"), BORN, SETUP, STOP],
        ),
    ],
)
def test_what_is_owed_after_a_cancel(
    owed: Guarantee, commands: list[Accepted], events: list[Event]
) -> None:
    assert guarantee("m0", [*events, COMPLETED], commands) is owed


def test_a_guest_that_went_over_to_the_target() -> None:
    events = [BORN, READY, end(), GONE, SETUP, STOP, COMPLETED]
    assert (
        guarantee("m0", events, [Accepted("job-complete", {"id": "m0"}, 2)])
        is Guarantee.MOVED
    )
    assert guarantee("m1", events, []) is Guarantee.NONE


@pytest.mark.parametrize(
    "journey",
    [
        "setup active device completed",
        "setup active ready device completed",
        "setup active ready cancelling cancelled setup active failed",
        "setup active postcopy-device postcopy-active completed",
    ],
)
def test_legal_statuses(journey: str) -> None:
    assert illegal(journey.split()) is None


@pytest.mark.parametrize(
    "journey",
    [
        "active",
        "setup completed",
        "setup active ready completed",
        "setup active ready ready",
        "setup active device ready",
        "setup active failed active",
    ],
)
def test_illegal_statuses(journey: str) -> None:
    assert illegal(journey.split())


def test_a_snapshot_is_no_migration() -> None:
    seen = ["setup", "completed", "setup", "active"]
    assert of_migrations(seen, 1) == ["setup", "active"]
    assert of_migrations(["setup"], 1) == ["setup"]
    # A migration that has skipped everything is none either, but wrong.
    assert of_migrations(seen, 0) == seen


def test_a_sequence_is_read_as_it_was_written(tmp_path: Path) -> None:
    steps = [
        {"at": "source", "start": {"disks": 1, "iothreads": False}},
        step.execute("source", "migrate_cancel"),
        {"at": "destination", "fault": "kill"},
        {"finish": "quit"},
    ]
    path = tmp_path / "sequence.jsonl"
    step.write(path, steps, about="x")
    assert step.read(path) == steps


@pytest.mark.parametrize("text", ["", "{", '{"finish": "quit"}', '{"at": "source"}'])
def test_what_is_no_sequence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sequence.jsonl"
    path.write_text(text)
    with pytest.raises(step.BadSequence):
        step.read(path)
    with pytest.raises(step.BadSequence):
        step.read(tmp_path / "missing")


def test_failures_that_are_alike_have_one_kind() -> None:
    one = Verdict(crashes=("source: ../block/io.c:1976: Assertion `x' failed",))
    other = Verdict(crashes=("source: ../block/io.c:2000: Assertion `x' failed",))
    hang = Verdict(hang="source: no answer within 20 s; see /tmp/1.backtrace")
    assert search.kind(one.wrong()) == search.kind(other.wrong())
    assert "backtrace" not in search.kind(hang.wrong())


def test_a_destination_that_was_replaced_has_nothing(tmp_path: Path) -> None:
    one = player(tmp_path, STOPPED, STOPPED, "active")
    assert not one.ownership.thrown_away
    one.processes.take(DESTINATION, cast(VM, FakeVM("destination2")))
    assert one.ownership.thrown_away
    one.ownership.note("migrate", {}, 0, set())
    assert not one.ownership.thrown_away


FAILED = {"status": "failed", "error-desc": "x"}
RETURN_PATH = {
    "query_migrate_capabilities": [[{"capability": "return-path", "state": True}]]
}
NODES = {"query_named_block_nodes": [[{"node-name": "disk0", "active": True}]]}


def played(
    tmp_path: Path, here: object, there: object, status: str, **answers: Any
) -> Player:
    """A player that has looked at them."""
    one = player(tmp_path, here, there, status, **answers)
    asyncio.run(one.checks.one_side_runs())
    return one


def test_one_side_runs(tmp_path: Path) -> None:
    one = played(tmp_path, STOPPED, RUNNING, "completed", **deepcopy(RETURN_PATH))
    assert one.notes.surprises == []


@pytest.mark.parametrize("status", ["active", "completed"])
def test_both_sides_run(tmp_path: Path, status: str) -> None:
    one = played(tmp_path, RUNNING, RUNNING, status)
    assert "the guest runs at both sides" in one.notes.surprises


def test_both_sides_run_after_they_were_cut_off(tmp_path: Path) -> None:
    one = player(tmp_path, RUNNING, RUNNING, "active")
    one.faults.note()
    asyncio.run(one.checks.one_side_runs())
    assert one.ownership.split and not one.notes.surprises


def test_harm_to_an_earlier_migration_is_no_excuse(tmp_path: Path) -> None:
    one = player(tmp_path, RUNNING, RUNNING, "active")
    one.faults.harmed = True
    asyncio.run(one.checks.one_side_runs())
    assert one.notes.surprises == ["the guest runs at both sides"]


def test_the_guest_runs_though_management_has_stopped_it(tmp_path: Path) -> None:
    one = player(tmp_path, RUNNING, STOPPED, "failed", query_migrate=FAILED)
    one.ownership.management.commands.append(Accepted("stop"))
    asyncio.run(one.checks.one_side_runs())
    (wrong,) = one.notes.surprises
    assert "management has stopped it" in wrong


def test_a_mirror_writes_after_the_guest_was_taken_back(tmp_path: Path) -> None:
    one = player(tmp_path, RUNNING, STOPPED, "completed")
    image = one.processes.image(DESTINATION, 0)
    image.write_bytes(b"old")
    one.ownership.guarantees = {0: Guarantee.OWED}
    one.ownership.take_back()
    assert not one.ownership.written_since
    image.write_bytes(b"new")
    assert one.ownership.written_since


@pytest.mark.parametrize("last, wrong", [("running", 1), ("concluded", 0)])
def test_a_writer_is_left_at_completed(tmp_path: Path, last: str, wrong: int) -> None:
    one = player(tmp_path, STOPPED, STOPPED, "completed")
    backup = Accepted("blockdev-backup", {"job-id": "m0"})
    one.ownership.management.commands.append(backup)
    one.checks.no_writer([BORN, job(last), COMPLETED])
    assert len(one.notes.surprises) == wrong


def has_stopped(
    tmp_path: Path, paused: bool, *events: Event, before: tuple[Event, ...] = ()
) -> bool:
    """Whether a job with these events, and paused or not, is taken for stopped.

    `before` are those before it was told to go on.
    """
    told = [{"device": "m0", "paused": paused}]
    one = player(tmp_path, RUNNING, STOPPED, "active", query_block_jobs=[[], told])
    one.processes.source.events.extend(before)
    jobs = Jobs(one)
    asyncio.run(jobs.resume())
    one.processes.source.events.extend(events)
    return asyncio.run(jobs.has_stopped("m0"))


def test_a_job_that_waits_for_somebody_to_see_to_an_error(tmp_path: Path) -> None:
    error = Event("BLOCK_JOB_ERROR", {"device": "m0", "action": "stop"}, 0)
    waits = [BORN, error, job("paused"), job("standby"), job("paused")]
    assert has_stopped(tmp_path, True, *waits)
    assert not has_stopped(tmp_path, False, *waits, job("running"))
    # Its timer came late; nobody has seen to the error.
    assert has_stopped(tmp_path, True, *waits, job("running"), job("paused"))
    # It has gone on since, or is another one.
    assert not has_stopped(tmp_path, True, job("paused"), before=tuple(waits))
    again = (GONE, BORN, job("paused"))
    assert not has_stopped(tmp_path, True, *again, before=tuple(waits))
    other = Event("BLOCK_JOB_ERROR", {"device": "m1", "action": "stop"}, 0)
    assert not has_stopped(tmp_path, True, BORN, other, job("paused"))


def test_it_runs_on_though_it_was_told_that_all_has_arrived(tmp_path: Path) -> None:
    one = played(tmp_path, RUNNING, STOPPED, "active", **deepcopy(RETURN_PATH))
    assert one.notes.surprises == ["the guest runs on after it has arrived elsewhere"]


def test_a_disk_is_active_at_both_sides(tmp_path: Path) -> None:
    one = played(tmp_path, STOPPED, RUNNING, "completed", **deepcopy(NODES))
    assert one.notes.surprises == ["disk0 is active at both sides"]


def test_an_interrupted_sequence_is_not_brought_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = Mock()
    end = AsyncMock()
    monkeypatch.setattr(Player, "play", AsyncMock(side_effect=KeyboardInterrupt))
    monkeypatch.setattr(Ending, "play", end)
    sequence = Sequence(Player(Build("patched", tmp_path), tmp_path), judged)
    sequence._player.processes.take(SOURCE, cast(VM, FakeVM("source")))
    with pytest.raises(KeyboardInterrupt):
        sequence.play({"at": SOURCE, "await": "records"})
    sequence.teardown()
    assert not end.called and not judged.called
