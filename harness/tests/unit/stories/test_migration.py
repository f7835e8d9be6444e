# SPDX-License-Identifier: GPL-2.0-or-later
"""Migration: who listens first, what is a wait."""

from __future__ import annotations

import asyncio

import pytest
from fake_vm import FakeVM, fake

from switchover.judging.evidence import Notes
from switchover.stories.jobs import Jobs
from switchover.stories.link import Link
from switchover.stories.migration import PASSES, Migration
from switchover.vm import transports
from switchover.vm.vm import Died, Hang

LISTENS = {"type": "inet", "host": "::1", "port": "1"}


def migration(source: FakeVM, transport: str = "socket") -> Migration:
    destination = FakeVM("destination", query_migrate={"socket-address": [LISTENS]})
    channel = transports.to(destination.name)[transport]
    return Migration(source, destination, Notes(), channel)


def went(source: FakeVM, *statuses: str) -> FakeVM:
    for status in statuses:
        source.event("MIGRATION", status=status)
    return source


@pytest.mark.parametrize("name", transports.to("d"))
def test_only_a_live_destination_listens_before_the_source_speaks(name: str) -> None:
    attempt = migration(FakeVM(), name)
    destination = fake(attempt._destination)
    asyncio.run(attempt.start())
    live = transports.to("d")[name].live
    assert len(destination.said("migrate-incoming")) == int(live)
    asyncio.run(attempt.deliver())
    assert len(destination.said("migrate-incoming")) == 1


@pytest.mark.parametrize("name", transports.to("d"))
def test_what_is_written_is_read(name: str) -> None:
    made = transports.to("d")[name]
    if name == "tcp":
        assert made.outgoing is None
        return
    assert all("d." in str(address) for address in (made.outgoing, made.incoming))
    assert made.outgoing == made.incoming or name == "exec"


def test_a_second_attempt_waits_for_the_end_of_the_first() -> None:
    source = FakeVM(query_yank=[[{"type": "migration"}], [{"type": "block-node"}]])
    asyncio.run(migration(source).start())
    assert [name for name, _ in source.commands] == ["query-yank"] * 2 + ["migrate"]


def test_a_source_goes_where_the_destination_listens() -> None:
    source = FakeVM()
    attempt = migration(source, "tcp")
    asyncio.run(attempt.start())
    (said,) = source.said("migrate")
    assert said["channels"][0]["addr"] == {"transport": "socket", **LISTENS}


def test_each_side_is_given_an_end_of_a_socket_pair() -> None:
    source = FakeVM()
    attempt = migration(source, "fd")
    asyncio.run(attempt.start())
    name = attempt._transport.descriptor
    assert source.given == fake(attempt._destination).given == [name]


@pytest.mark.parametrize(
    ("left", "further", "waits"),
    [
        # What mirrors have left at each look, and what comes before the last one.
        ((3, 2, 1), None, True),
        ((3, 3, 3), None, None),
        ((3, 2, 2), None, None),
        ((3, 2, 1), "MIGRATION_PASS", False),
        ((3, 3), "MIGRATION_PASS", False),
        ((3, 3), "failed", False),
        ((3, 3), "died", False),
    ],
)
@pytest.mark.parametrize("pause", [(), ("pre-switchover",)])
def test_it_waits_if_mirrors_copy_on_and_no_pass_over_ram_begins(
    pause: tuple[str, ...], left: tuple[int, ...], further: str | None, waits: bool
) -> None:
    source = FakeVM()
    attempt = migration(source)
    went(source, "active", *pause)
    source.event("MIGRATION_PASS")
    went(source, "device")
    looks = list(left)

    async def remaining() -> dict[str, int]:
        now = looks.pop(0)
        if not looks and further == "MIGRATION_PASS":
            source.event(further)
        elif not looks and further:
            went(source, "completed" if further == "died" else further)
            if further == "died":
                raise Died
        return {"m0": now, "m1": 5}

    if waits is None:
        with pytest.raises(Hang):
            asyncio.run(attempt.waits(remaining))
    else:
        assert asyncio.run(attempt.waits(remaining)) is waits


def test_it_does_not_wait_before_it_switches_over() -> None:
    source = FakeVM()
    attempt = migration(source)
    went(source, "active")
    with pytest.raises(Hang):
        asyncio.run(
            attempt.waits(
                Jobs(
                    source, Link(source, FakeVM(), range(1)), range(1), Notes()
                ).remaining
            )
        )


@pytest.mark.parametrize(
    ("answers", "sent"),
    [
        ([(9, 1), (0, 2), (0, 2)], True),
        ([(0, 1), (0, 2), (0, 3)], False),
        ([(9, 1), (9, 1), (9, 1)], False),
    ],
)
def test_ram_is_sent_when_nothing_remains_and_nothing_more_is_on_its_way(
    answers: list[tuple[int, int]], sent: bool
) -> None:
    rams = [{"ram": {"remaining": r, "transferred": t}} for r, t in answers]
    source = FakeVM(query_migrate=rams)
    attempt = migration(source)
    went(source, "ready")
    if sent:
        asyncio.run(attempt.ram_is_sent())
    else:
        with pytest.raises(Hang):
            asyncio.run(attempt.ram_is_sent())


def looked(source: FakeVM, count: int) -> FakeVM:
    for _ in range(count):
        source.event("MIGRATION_PASS")
    return source


def test_it_goes_on_while_the_guest_runs_and_ram_is_looked_at() -> None:
    source = FakeVM(query_status={"running": True})
    attempt = migration(source)
    looked(source, PASSES)
    assert asyncio.run(attempt.goes_on())


def test_it_does_not_go_on_when_the_guest_is_stopped_early() -> None:
    source = FakeVM(query_status={"running": False})
    attempt = migration(source)
    looked(source, PASSES - 1).event("STOP")
    assert not asyncio.run(attempt.goes_on())


def test_passes_of_an_earlier_attempt_do_not_count() -> None:
    source = looked(FakeVM(query_status={"running": True}), PASSES)
    with pytest.raises(Hang):
        asyncio.run(migration(source).goes_on())


def test_an_earlier_attempt_does_not_count() -> None:
    source = went(FakeVM(), "device", "cancelled")
    attempt = migration(source)
    went(source, "active", "device", "completed")
    assert asyncio.run(attempt.landmark()) == "completed"


def test_a_failure_is_noted_with_its_reason() -> None:
    source = FakeVM(query_migrate={"error-desc": "job 'm0' is in the way"})
    attempt = migration(source)
    went(source, "failed")
    assert asyncio.run(attempt.landmark()) == "failed"
    assert attempt._notes.errors == ["job 'm0' is in the way"]


@pytest.mark.parametrize("status", ["ready", "pre-switchover"])
def test_what_has_not_stayed_as_it_was_is_a_surprise(status: str) -> None:
    attempt = migration(FakeVM(query_migrate={"status": "ready"}))
    asyncio.run(attempt.still(status))
    assert bool(attempt._notes.surprises) is (status != "ready")


def test_what_a_cancel_ends_in_is_noted_if_it_is_a_failure() -> None:
    source = FakeVM(query_migrate={"error-desc": "no"})
    attempt = migration(source)
    went(source, "failed")
    assert asyncio.run(attempt.cancel()) == "failed"
    assert attempt._notes.errors == ["no"]


def test_a_cancel_is_awaited() -> None:
    source = FakeVM()
    attempt = migration(source)
    went(source, "device", "cancelling", "cancelled")
    assert asyncio.run(attempt.cancel()) == "cancelled"
    assert source.said("migrate_cancel")
    with pytest.raises(Hang):
        asyncio.run(attempt.cancel())
