# SPDX-License-Identifier: GPL-2.0-or-later
"""Shared disks: what their clients were told has to be at the destination."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from fake_vm import FakeVM

from switchover.guest import disk, record
from switchover.guest.nbdclient import NBDClient
from switchover.judging.evidence import Notes
from switchover.judging.oracle import Evidence, judge
from switchover.stories.exported_disks import RECORDS, SIZE, Shared
from switchover.vm.vm import Hang


@pytest.mark.parametrize("missing", ["nothing", "a block", "a record"])
def test_nothing_may_be_missing(tmp_path: Path, missing: str) -> None:
    source, notes = FakeVM(), Notes()
    source.folder = tmp_path
    shared = Shared(source, FakeVM(), notes)
    client = NBDClient(0)
    client.acknowledged = {1: 1}
    shared._clients.append(client)
    for side in ("source", "target"):
        image = tmp_path / f"shared-{side}0.raw"
        disk.make_blank(image, SIZE)
        with open(image, "r+b") as file:
            if missing != "a record":
                file.seek(record.RECORD_BYTES)
                file.write(record.pack(0, 1))
            if missing == "a block" and side == "source":
                file.seek(SIZE - 1)
                file.write(b"x")
    asyncio.run(shared.compare())
    disks = tuple(shared.disks())
    assert (
        judge(Evidence(disks=disks)).wrong()
        == {
            "nothing": [],
            "a block": [f"1 blocks differ, first in shared0 at {SIZE - disk.BLOCK}"],
            "a record": ["1 acknowledged records are lost"],
        }[missing]
    )


def test_all_clients_have_to_write_on() -> None:
    shared = Shared(FakeVM(), FakeVM(), Notes())
    shared._clients += [NBDClient(0), NBDClient(1)]
    shared._clients[0].last += RECORDS
    with pytest.raises(Hang):
        asyncio.run(shared.writing())
