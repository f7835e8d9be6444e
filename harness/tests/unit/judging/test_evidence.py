# SPDX-License-Identifier: GPL-2.0-or-later
"""The collector, over processes that have ended and images that are there.

What is planted has to come out at the judge's end: evidence that is not collected is
as bad as a judge that sees nothing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fake_vm import FakeVM

from switchover.core import paths
from switchover.guest import disk, record
from switchover.judging import evidence
from switchover.judging.evidence import Notes
from switchover.judging.oracle import DiskEvidence, Expected, Verdict, judge

SIZE = disk.MIB
DONE = Expected(journey=("completed",))
WAY = ("setup", "active", "device", "completed")


def went(vm: FakeVM, *statuses: str) -> FakeVM:
    for status in statuses:
        vm.event("MIGRATION", status=status)
    return vm


class Run:
    """A guest that has moved with its disk, which is disk 1, and four records."""

    def __init__(self, folder: Path) -> None:
        self.source = went(FakeVM("source"), *WAY)
        self.destination = FakeVM("destination")
        self.source.console.text = "boot\r\nACK 1 1\r\nACK 1 2\r\nAC"
        self.destination.console.text = "K 1 3\r\nACK 1 4\r\nACK 1"
        self.notes = Notes()
        self.images = folder / "source.raw", folder / "destination.raw"
        for image in self.images:
            disk.make(image, 1)
            self.write(image, 1, 2, 3, 4)

    def write(self, image: Path, *sequences: int) -> None:
        with image.open("r+b") as file:
            for sequence in sequences:
                file.seek(sequence * record.RECORD_BYTES)
                file.write(record.pack(1, sequence))

    def disk(self) -> DiskEvidence:
        told = evidence.said([self.source, self.destination]).acknowledged.get(1, {})
        found = evidence.found(self.images[1], 1)
        return DiskEvidence("disk1", disk.compare(*self.images), told, found)

    def verdict(self, *disks: DiskEvidence) -> Verdict:
        vms = [self.source, self.destination]
        seen = disks or (self.disk(),)
        return judge(evidence.collect(vms, seen, self.notes, vms[:1], vms[1]))

    def differences(self, *disks: DiskEvidence, expected: Expected = DONE) -> list[str]:
        return self.verdict(*disks).matches(expected)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(paths, "GUEST", tmp_path / "guest")
    monkeypatch.setattr(disk, "SIZE", SIZE)
    return Run(tmp_path)


def test_a_good_run_is_good(run: Run) -> None:
    assert run.differences() == []


def test_a_block_that_differs_is_found(run: Run) -> None:
    with run.images[1].open("r+b") as image:
        image.seek(8 * disk.BLOCK)
        image.write(b"x")
    assert run.differences() == [f"1 blocks differ, first in disk1 at {8 * disk.BLOCK}"]


def test_a_record_is_looked_for_where_it_has_to_be(run: Run) -> None:
    for image in run.images:
        with image.open("r+b") as file:
            file.seek(3 * record.RECORD_BYTES)
            file.write(bytes(record.RECORD_BYTES))
    # The consoles tell of it only together.
    assert run.differences() == ["1 acknowledged records are lost"]


def test_records_of_a_client_are_where_its_region_is(run: Run) -> None:
    start = 16 * record.RECORD_BYTES
    for image in run.images:
        with image.open("r+b") as file:
            file.seek(start + record.RECORD_BYTES)
            file.write(record.pack(101, 1))
    found = evidence.found(run.images[1], 101, start)
    client = DiskEvidence("client1", None, {1: 1}, found, must_match=False)
    assert run.differences(run.disk(), client) == []
    lost = replace(client, acknowledged={1: 1, 2: 2})
    assert run.differences(run.disk(), lost) == ["1 acknowledged records are lost"]


def test_what_was_not_compared_is_a_difference(run: Run) -> None:
    blind = replace(run.disk(), difference=None)
    assert run.differences(blind) == ["disk1 was not compared"]
    other = replace(blind, name="disk2")
    assert run.differences(run.disk(), other) == ["disk2 was not compared"]
    assert run.differences(run.disk(), replace(other, must_match=False)) == []
    assert run.verdict(blind).wrong()


def test_disks_are_part_of_a_migration(run: Run) -> None:
    seen = evidence.collect([run.source], [], run.notes, [run.source])
    assert judge(seen).unseen == ("nothing was compared",)


def test_what_was_not_read_is_a_difference(run: Run) -> None:
    told = ["no record of disk1 was read"]
    assert evidence.found(Path("gone"), 1) is None is evidence.found(None, 1)
    assert run.differences(replace(run.disk(), found=None)) == told
    run.source.console.text = run.destination.console.text = ""
    told = ["no record of disk1 was acknowledged"]
    assert run.differences() == told
    assert run.differences(replace(run.disk(), written=False)) == []


def test_a_failed_migration_needs_no_comparison(run: Run) -> None:
    run.source.events.clear()
    went(run.source, "setup", "failed")
    blind = replace(run.disk(), difference=None)
    assert run.differences(blind, expected=Expected(journey=("failed",))) == []


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"exit_code": 1}, "unexpected crash: source: exit code 1"),
        ({"exit_code": -6}, "unexpected crash: source: SIGABRT"),
        ({"exit_code": -9}, "unexpected crash: source: SIGKILL"),
        ({"told_to_quit": False}, "unexpected crash: source: exit code 0"),
        ({"stderr": "odd\n"}, "unexpected on stderr: source: odd"),
    ],
)
def test_how_a_process_ended(
    run: Run, changed: dict[str, object], difference: str
) -> None:
    vars(run.source).update(changed)
    assert run.differences() == [difference]


def test_the_harness_may_kill(run: Run) -> None:
    run.destination.exit_code, run.destination.killed = -9, True
    assert run.differences() == []


def test_what_was_noted_is_told(run: Run) -> None:
    run.notes.errors.append("migrate: no")
    run.notes.writers.append("block-job mirror m0")
    run.notes.surprises.append("odd")
    run.notes.hang = "source: no answer; see source.backtrace"
    run.notes.slowest = 7.0
    run.destination.console.text += "\r\nERR 1 5 28\r\n"
    assert run.differences() == [
        "odd",
        "failed write in the guest: ERR 1 5 28",
        "hang: source: no answer; see source.backtrace",
        "unexpected error: migrate: no",
        "unexpected writer: block-job mirror m0",
    ]
    assert run.verdict().slowest == 7.0


def test_times_are_of_the_source_and_the_destination(run: Run) -> None:
    run.source.at(10.0, "STOP").at(11.0, "RESUME").at(12.0, "STOP")
    run.destination.at(12.25, "MIGRATION", status="completed")
    run.destination.killed, run.destination.ended_at = True, 10.5
    seen = run.verdict()
    assert (seen.stops, seen.downtime, seen.recovery) == (2, 250, 500)
    assert (
        judge(
            evidence.collect([run.source], [run.disk()], run.notes, [run.source])
        ).matches(replace(DONE, stops=2))
        == []
    )


@pytest.mark.parametrize(
    ("statuses", "wrong"),
    [
        (("setup", "active", "ready", "device", "completed"), None),
        (("setup", "active", "device", "completed", "setup", "failed"), None),
        (("setup", "completed"), "status completed after setup"),
        (("setup", "active", "ready", "ready"), "status ready after ready"),
        (("setup", "active", "ready", "completed"), "status completed after ready"),
        (("setup", "active", "cancelled"), "status cancelled after active"),
    ],
)
def test_no_status_is_skipped_or_comes_twice(
    statuses: tuple[str, ...], wrong: str | None
) -> None:
    source = went(FakeVM(), *statuses)
    # What the story has noted already is not told twice.
    notes = Notes(surprises=[wrong] if wrong else [])
    for noted in (Notes(), notes):
        seen = evidence.collect([source], [], noted, [source])
        assert seen.surprises == ((wrong,) if wrong else ())
    marks = ("ready", "completed", "failed", "cancelled")
    assert seen.journey == tuple(s for s in statuses if s in marks)


@pytest.mark.parametrize(
    ("asked", "journey", "wrong"),
    [
        (0, ("completed", "failed", "completed"), ("status completed after setup",)),
        (1, ("failed", "completed"), ("status completed after setup",)),
        (2, ("failed",), ()),
    ],
)
def test_a_snapshot_that_was_asked_for_is_no_migration(
    asked: int, journey: tuple[str, ...], wrong: tuple[str, ...]
) -> None:
    snapshot = ("setup", "completed")
    source = went(FakeVM(), *snapshot, "setup", "active", "failed", *snapshot)
    source.monitor.commands += ["snapshot-save"] * asked
    seen = evidence.collect([source], [], Notes(), [source])
    assert (seen.journey, seen.surprises) == (journey, wrong)


@pytest.mark.parametrize("arrival", ["completed", "failed"])
def test_what_arrives_and_goes_on_is_judged_from_then_on(arrival: str) -> None:
    first = went(FakeVM("first"), *WAY)
    second = went(FakeVM("second"), "setup", "active", arrival, *WAY)
    second.monitor.commands.append("migrate-incoming")
    third = went(FakeVM("third"), "setup", "active")
    third.monitor.commands.append("migrate-incoming")
    seen = evidence.collect([first], [], Notes(), [first, second, third])
    assert (seen.journey, seen.surprises) == (("completed", "completed"), ())
