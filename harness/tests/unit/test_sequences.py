# SPDX-License-Identifier: GPL-2.0-or-later
"""What a sequence is judged by has to fail when something is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from switchover import statuses
from switchover.monitor import Event
from switchover.oracle import Verdict
from switchover.sequences import search, step
from switchover.sequences.ledger import Debt, debt
from switchover.sequences.player import thrown_away


def job(status: str) -> Event:
    return Event("JOB_STATUS_CHANGE", {"id": "m0", "status": status}, 0)


def status(name: str) -> Event:
    return Event("MIGRATION", {"status": name}, 0)


def end(name: str = "BLOCK_JOB_COMPLETED", **data: Any) -> Event:
    return Event(name, {"device": "m0", **data}, 0)


STOP, RESUME = (Event(name, {}, 0) for name in ("STOP", "RESUME"))
BORN, READY, GONE = job("created"), job("ready"), job("null")
SETUP, COMPLETED = status("setup"), status("completed")


@pytest.mark.parametrize(
    "owed, events",
    [
        (Debt.NONE, [SETUP, STOP]),
        # It lives, in sync or not.
        (Debt.OWED, [BORN, SETUP, STOP]),
        (Debt.OWED, [SETUP, STOP, BORN, READY]),
        # It has ended while the guest was stopped, and after that the guest has run.
        (Debt.OWED, [BORN, READY, SETUP, STOP, end(), GONE]),
        (Debt.NONE, [BORN, READY, STOP, end(), GONE, RESUME, SETUP, STOP]),
        # Management has ended it too early, or by force.
        (Debt.NONE, [BORN, READY, end(), GONE, SETUP, STOP]),
        (Debt.NONE, [BORN, READY, SETUP, STOP, end("BLOCK_JOB_CANCELLED"), GONE]),
        # It has failed in this migration, or before.
        (Debt.OWED, [BORN, SETUP, end(error="Input/output error"), GONE, STOP]),
        (Debt.NONE, [BORN, end(error="Input/output error"), GONE, SETUP, STOP]),
        # A later one has taken its place.
        (Debt.OWED, [BORN, end("BLOCK_JOB_CANCELLED"), GONE, BORN, SETUP, STOP]),
    ],
)
def test_what_is_owed(owed: Debt, events: list[Event]) -> None:
    assert debt("m0", [*events, COMPLETED], ()) is owed


def test_a_guest_that_went_over_to_the_target() -> None:
    events = [BORN, READY, end(), GONE, SETUP, STOP, COMPLETED]
    assert debt("m0", events, {2}) is Debt.MOVED
    assert debt("m1", events, ()) is Debt.NONE


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
    assert statuses.illegal(journey.split()) is None


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
    assert statuses.illegal(journey.split())


def test_a_snapshot_is_no_migration() -> None:
    seen = ["setup", "completed", "setup", "active"]
    assert statuses.of_migrations(seen) == ["setup", "active"]
    assert statuses.of_migrations(["setup"]) == ["setup"]


def test_a_sequence_is_read_as_it_was_written(tmp_path: Path) -> None:
    steps = [
        {"at": "source", "start": {"disks": 1, "iothreads": False}},
        step.execute("source", "migrate_cancel"),
        step.fault("destination", "kill"),
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


def test_a_destination_that_was_replaced_has_nothing() -> None:
    source, destination = ({"at": at, "start": {}} for at in ("source", "destination"))
    migrate = {"at": "source", "execute": "migrate", "arguments": {}}
    finish = {"finish": "complete"}
    assert not thrown_away([source, destination, migrate, finish])
    assert thrown_away([source, destination, migrate, destination, finish])
    assert not thrown_away([source, destination, migrate, destination, migrate])
