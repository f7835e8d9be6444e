# SPDX-License-Identifier: GPL-2.0-or-later
"""What the player of a sequence hands to the judge, over images that are there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from fake_vm import FakeVM, fake

from switchover.fuzz import step
from switchover.fuzz.clients import START
from switchover.fuzz.management import Accepted, Guarantee
from switchover.fuzz.player import Player
from switchover.fuzz.processes import DESTINATION, SOURCE
from switchover.guest import disk, record
from switchover.guest.nbdclient import NBDClient
from switchover.qemu.build import Build
from switchover.vm.vm import Hang

# The guest's on disk 0, and those of a client of its export.
OWNERS = ((0, 0), (100, START))


@pytest.fixture
def player(tmp_path: Path) -> Player:
    """Two records of a guest and of a client, on equal images; nothing has moved."""
    made = Player(Build("patched", tmp_path), tmp_path)
    made.processes.disks = range(1)
    for side in (SOURCE, DESTINATION):
        made.processes.take(side, FakeVM(side))
        image = made.processes.image(side, 0)
        disk.make_blank(image, 3 * disk.MIB)
        with image.open("r+b") as file:
            for owner, start in OWNERS:
                for sequence in (1, 2):
                    file.seek(start + sequence * record.RECORD_BYTES)
                    file.write(record.pack(owner, sequence))
    made.processes.source.console.text = "ACK 0 1\r\nACK 0 2\r\n"
    client = NBDClient(100, START)
    client.acknowledged = {1: 1, 2: 2}
    made.clients._clients[0] = client
    return made


def erase(player: Player, side: str, start: int) -> None:
    """Take the second record of a region away."""
    with player.processes.image(side, 0).open("r+b") as image:
        image.seek(start + 2 * record.RECORD_BYTES)
        image.write(bytes(record.RECORD_BYTES))


def wrong(player: Player) -> list[str]:
    return asyncio.run(player.verdict()).wrong()


LOST = ["1 acknowledged records are lost"]


@pytest.mark.parametrize(("_owner", "start"), OWNERS)
def test_records_have_to_be_on_the_side_that_goes_on(
    player: Player, _owner: int, start: int
) -> None:
    erase(player, DESTINATION, start)
    assert wrong(player) == []
    erase(player, SOURCE, start)
    assert wrong(player) == LOST


def test_what_the_guest_was_told_elsewhere(player: Player) -> None:
    player.processes.destination.console.text = "ACK 0 3\r\n"
    assert wrong(player) == []
    player.ownership.guarantees = {0: Guarantee.OWED}
    player.ownership.compare(0)
    assert wrong(player) == LOST


def test_a_block_that_differs(player: Player) -> None:
    player.ownership.guarantees = {0: Guarantee.OWED}
    with player.processes.image(DESTINATION, 0).open("r+b") as image:
        image.seek(2 * disk.MIB + disk.BLOCK)
        image.write(b"x")
    player.ownership.compare(0)
    first = 2 * disk.MIB + disk.BLOCK
    assert wrong(player) == [f"1 blocks differ, first in disk0 at {first}"]


def test_what_is_owed_has_to_be_compared(player: Player) -> None:
    for status in ("setup", "active", "device", "completed"):
        fake(player.processes.source).event("MIGRATION", status=status)
    player.ownership.guarantees = {0: Guarantee.OWED}
    assert wrong(player) == ["disk0 was not compared"]
    player.ownership.guarantees = {0: Guarantee.NONE}
    assert wrong(player) == []


def test_a_guest_may_fail_only_where_its_disks_were_taken(player: Player) -> None:
    player.processes.source.console.text += "ERR 0 3 5\r\n"
    assert wrong(player) == ["failed write in the guest: ERR 0 3 5"]
    away = Accepted(
        "blockdev-set-active", {"active": False}, 0, "none", False, frozenset()
    )
    player.ownership.management.commands.append(away)
    assert wrong(player) == []


def test_a_hang_is_wrong(player: Player, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*_: object) -> bool:
        raise Hang("source: no answer")

    monkeypatch.setattr(player, "execute", hang)
    asyncio.run(player.play(step.execute(SOURCE, "stop")))
    assert player.over
    assert wrong(player) == ["hang: source: no answer"]
