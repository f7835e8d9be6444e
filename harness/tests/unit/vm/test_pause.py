# SPDX-License-Identifier: GPL-2.0-or-later
"""Pause: the newest that there is, and how it is entered and left."""

from __future__ import annotations

import asyncio

import pytest
from fake_vm import FakeVM, fake

from switchover.judging.evidence import Notes
from switchover.stories.migration import Migration
from switchover.vm import pause, transports
from switchover.vm.pause import PRE_SWITCHOVER, READY, Pause

WRITER = {"type": "block-export", "id": "e", "node-name": "n"}


def knows(*capabilities: str) -> FakeVM:
    known = [{"capability": name} for name in capabilities]
    return FakeVM(query_migrate_capabilities=[known])


def test_the_newest_pause_is_taken() -> None:
    old, new = PRE_SWITCHOVER.capability, READY.capability
    assert asyncio.run(pause.newest(knows(old, "events"))) == PRE_SWITCHOVER
    assert asyncio.run(pause.newest(knows(old, new))) == READY


def paused(
    status: str, *wanted: Pause, announced: tuple[dict[str, str], ...] = (WRITER,)
) -> Migration:
    """A migration in the pause, as the QEMU that has it tells of it."""
    source = FakeVM(
        query_migrate={"status": status, "writers": [WRITER], "release-error": "no"},
        query_status={"running": False},
    )
    migration = Migration(source, FakeVM(), Notes(), transports.to("d")["socket"])
    source.event("MIGRATION", status=status)
    source.event("MIGRATION_READY", writers=announced)
    asyncio.run(migration.paused(*wanted))
    return migration


def test_each_pause_is_left_in_its_own_way() -> None:
    old, new = paused("pre-switchover"), paused("ready")
    assert not asyncio.run(old.release())
    assert asyncio.run(new.release())
    assert fake(old._source).said("migrate-continue") == [{"state": "pre-switchover"}]
    assert fake(new._source).said("migration-complete") == [{"release": True}]
    assert not old._notes.surprises and not new._notes.surprises
    assert new._notes.writers == ["block-export e n"]


@pytest.mark.parametrize("wanted", [(), (READY,), (PRE_SWITCHOVER,)])
@pytest.mark.parametrize("status", ["ready", "pre-switchover", "completed"])
def test_another_status_is_a_surprise(status: str, wanted: tuple[Pause, ...]) -> None:
    fits = status in [one.status for one in wanted or (READY, PRE_SWITCHOVER)]
    assert bool(paused(status, *wanted)._notes.surprises) is not fits


def test_writers_are_told_of_twice_and_alike() -> None:
    assert not paused("ready")._notes.surprises
    assert paused("ready", announced=())._notes.surprises


@pytest.mark.parametrize("error", ["no", "other"])
def test_a_failed_release_is_told_twice_and_alike(error: str) -> None:
    migration = paused("ready")
    fake(migration._source).event("MIGRATION_RELEASE_FAILED", error=error, writers=[])
    asyncio.run(migration.release_failed())
    assert migration._notes.errors == [error]
    assert bool(migration._notes.surprises) is (error != "no")
