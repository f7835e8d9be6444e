# SPDX-License-Identifier: GPL-2.0-or-later
"""What a relay of processes hands to the judge, over images that are there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_vm import FakeVM, fake

from switchover.guest import disk, record
from switchover.judging import evidence
from switchover.judging.oracle import judge
from switchover.load.repeated import CLIENT_DISKS, DISKS, RepeatedMigration
from switchover.qemu.build import Build
from switchover.vm.vm import Died, Hang


class Finished(RepeatedMigration):
    """One that has moved a guest once: a record on each disk, all images equal."""

    error: Exception | None = None
    # Changes what is on a disk.
    tamper: Callable[[int], None] | None = None

    async def _run(self, rounds: int, done: Callable[[int], None]) -> None:
        self._vms += [FakeVM("generation0"), FakeVM("generation1")]
        for status in ("setup", "active", "device", "completed"):
            fake(self._vms[0]).event("MIGRATION", status=status)
        told = (f"ACK {i} 1\r\n" for i in range(DISKS) if i not in CLIENT_DISKS)
        self._vms[0].console.text = "".join(told)
        for i in CLIENT_DISKS:
            self._clients[i].acknowledged = {1: 1}
        self._owner = 1
        for i in range(DISKS):
            for image in (self._image(0, i), self._image(1, i)):
                disk.make_blank(image, disk.MIB)
                with image.open("r+b") as file:
                    file.seek(record.RECORD_BYTES)
                    file.write(record.pack(i, 1))
            if self.tamper:
                self.tamper(i)
            self._different[i] = disk.compare(self._image(0, i), self._image(1, i))
        done(rounds)
        if self.error:
            raise self.error


def wrong(made: RepeatedMigration) -> list[str]:
    return asyncio.run(made.run(1, lambda _: None)).wrong()


@pytest.fixture
def made(tmp_path: Path) -> Finished:
    return Finished(Build("patched", tmp_path), tmp_path)


def test_all_is_well(made: Finished) -> None:
    assert wrong(made) == []


@pytest.mark.parametrize("number", [0, DISKS - 1])
def test_a_lost_record_of_guest_or_client(made: Finished, number: int) -> None:
    def tamper(i: int) -> None:
        if i == number:
            for image in (made._image(0, i), made._image(1, i)):
                disk.make_blank(image, disk.MIB)

    made.tamper = tamper
    assert wrong(made) == ["1 acknowledged records are lost"]


def test_a_block_that_differs(made: Finished) -> None:
    def tamper(i: int) -> None:
        if i == 1:
            with made._image(1, i).open("r+b") as image:
                image.seek(disk.MIB - 1)
                image.write(b"x")

    made.tamper = tamper
    first = disk.MIB - disk.BLOCK
    assert wrong(made) == [f"1 blocks differ, first in disk1 at {first}"]


def test_a_disk_that_was_not_compared(made: Finished) -> None:
    asyncio.run(made._run(1, lambda _: None))
    made._different.pop(7)
    seen = evidence.collect(made._vms, made._disks(), made._notes, made._vms)
    assert judge(seen).wrong() == ["disk7 was not compared"]


@pytest.mark.parametrize(
    ("error", "text"), [(Hang("no end"), "hang: no end"), (Died("gone"), "gone")]
)
def test_an_end_before_the_end(made: Finished, error: Exception, text: str) -> None:
    made.error = error
    assert wrong(made) == [text]
