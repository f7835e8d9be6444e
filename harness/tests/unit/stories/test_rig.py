# SPDX-License-Identifier: GPL-2.0-or-later
"""Rig: what is said to which side, what is waited for, and what is noted."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import pytest
from fake_vm import FakeVM, fake

from switchover.guest.kernel import Guest
from switchover.qemu.build import Build
from switchover.stories import rig as rig_module
from switchover.stories.rig import ALIVE_RECORDS, Lab, Rig
from switchover.stories.spare_disk import Spare
from switchover.vm import commandline
from switchover.vm.accel import Accel
from switchover.vm.vm import VM, Hang, Refused

DISKS = 2


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    def vm(name: str, _command: object, _folder: Path, env: object) -> FakeVM:
        assert env == build.environment
        known = [{"capability": name} for name in ("events", "multifd", "xbzrle")]
        return FakeVM(
            name,
            query_migrate_capabilities=[known],
            query_status=[{"running": True}, {"running": False}],
        )

    monkeypatch.setattr(rig_module, "VM", vm)
    build = Build("sanitized", tmp_path)
    lab = Lab(build, Guest(tmp_path), Accel("tcg", ""), tmp_path)
    return Rig(lab, DISKS, with_guest=False)


def records(disk: int, start: int, count: int) -> str:
    """What a guest says that has so many records acknowledged, one after the other."""
    return "".join(f"ACK {disk} {start + i}\r\n" for i in range(count))


def runs(vm: Any, *counts: int) -> None:
    """It has some acknowledged already, and so many on each disk while it runs."""
    vm.console.text = "".join(records(i, 1, ALIVE_RECORDS) for i in range(DISKS))
    for i, count in enumerate(counts):
        vm.to_say.append(records(i, ALIVE_RECORDS + 1, count))


def capabilities(vm: Any) -> dict[str, bool]:
    """What a VM was told about its capabilities, the last word of it."""
    said = vm.said("migrate-set-capabilities")
    return {c["capability"]: c["state"] for s in said for c in s["capabilities"]}


def test_a_capability_is_the_sources_own(rig: Rig) -> None:
    asyncio.run(rig.settings.capability("multifd"))
    assert capabilities(rig.source) == {"multifd": True}
    assert capabilities(rig.destination) == {}


def test_what_was_agreed_holds_for_later_destinations(rig: Rig) -> None:
    first = rig.destination
    asyncio.run(rig.settings.agree("multifd"))
    asyncio.run(rig.new_destination())
    assert rig.destination is not first
    for vm in (rig.source, first, rig.destination):
        assert capabilities(vm) == {"multifd": True}


def test_all_but_some_are_turned_off(rig: Rig) -> None:
    asyncio.run(rig.settings.capabilities_but(("events",)))
    assert capabilities(rig.source) == {"multifd": False, "xbzrle": False}


def test_ram_is_held_and_released_before_and_in_postcopy(rig: Rig) -> None:
    asyncio.run(rig.settings.hold_ram())
    asyncio.run(rig.settings.let_ram_go())
    held, released = fake(rig.source).said("migrate-set-parameters")
    assert set(held) == {"max_bandwidth", "max_postcopy_bandwidth"}
    assert min(held.values()) > 0
    assert set(released.values()) == {0}


def test_the_server_is_stopped_once(rig: Rig) -> None:
    async def story() -> None:
        await rig.link.disconnect()
        await rig.link.export()
        await rig.link.disconnect()
        await rig.link.disconnect()

    asyncio.run(story())
    assert len(fake(rig.storage).said("nbd-server-stop")) == 1


def test_a_guest_that_runs_where_it_should_not_is_a_surprise(rig: Rig) -> None:
    asyncio.run(rig.is_stopped(rig.destination))
    assert rig.notes.surprises == ["the guest runs at destination"]
    asyncio.run(rig.is_stopped(rig.destination))
    assert len(rig.notes.surprises) == 1


@pytest.mark.parametrize("first", [0, ALIVE_RECORDS - 1, ALIVE_RECORDS])
@pytest.mark.parametrize("second", [0, ALIVE_RECORDS - 1, ALIVE_RECORDS])
def test_a_guest_runs_when_it_writes_more_to_each_disk(
    rig: Rig, first: int, second: int
) -> None:
    runs(rig.source, first, second)
    if first == second == ALIVE_RECORDS:
        asyncio.run(rig.run_at_source())
    else:
        with pytest.raises(Hang):
            asyncio.run(rig.run_at_source())
    assert rig.owner is rig.source


def test_it_runs_at_the_destination_without_the_source(rig: Rig) -> None:
    async def story() -> None:
        await rig.link.connect()
        await rig.run_at_destination()

    with pytest.raises(Hang):
        asyncio.run(story())
    runs(rig.destination, ALIVE_RECORDS, ALIVE_RECORDS)
    asyncio.run(rig.run_at_destination())
    told: Any = rig.destination
    names = [name for name, _ in told.commands]
    assert names[names.index("nbd-server-stop") :] == [
        "nbd-server-stop",
        "cont",
        "cont",
    ]


def test_a_guest_that_has_arrived_has_its_disks_compared(rig: Rig) -> None:
    asyncio.run(rig.images.make())
    with pytest.raises(Hang):
        asyncio.run(rig.arrive())
    assert rig.owner is None and not rig.images.differences
    arrived: Any = rig.destination
    arrived.event("MIGRATION", status="completed")
    assert not asyncio.run(rig.arrive())
    assert rig.owner is rig.destination
    assert sorted(rig.images.differences) == list(rig.disks)


def test_a_refusal_is_noted(rig: Rig) -> None:
    rig.source = cast(VM, FakeVM("source", cont=Refused("cont: no")))
    assert not asyncio.run(rig.refused("stop"))
    assert rig.notes.errors == []
    assert asyncio.run(rig.refused("cont"))
    assert rig.notes.errors == ["cont: no"]


@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize("active", [False, True])
def test_a_source_that_has_everything_is_stopped_and_active(
    rig: Rig, running: bool, active: bool
) -> None:
    nodes = ({"node-name": "a", "active": True}, {"node-name": "b", "active": active})
    state = {"running": running}
    source = FakeVM("source", query_status=state, query_named_block_nodes=nodes)
    rig.source = cast(VM, source)
    asyncio.run(rig.has_everything())
    inactive = [] if active else ["inactive at the source: ['b']"]
    assert rig.notes.surprises == ["the guest runs at source"] * running + inactive


@pytest.mark.parametrize("group", [None, "reads"])
def test_a_disk_is_a_node_and_a_device(group: str | None) -> None:
    _, node, _, device = commandline.disk(3, "x.raw", group)
    assert json.loads(node)["node-name"] == "disk3"
    assert "x.raw" in node and "drive=disk3" in device
    assert ("throttle" in node) is bool(group)


@pytest.mark.parametrize("error", ["", "no room"])
def test_a_snapshot_that_failed_is_an_error(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    monkeypatch.setattr(Build, "qemu_img", lambda *_, **__: None)
    jobs = [{"id": "m0", "error": "of another job"}, {"id": "snapshot"}]
    if error:
        jobs[1]["error"] = error
    source = FakeVM("source", query_jobs=[jobs])
    source.event("JOB_STATUS_CHANGE", id="snapshot", status="concluded")
    spare = Spare(source, Build("base", Path()), rig.notes)
    asyncio.run(spare.save_snapshot())
    assert rig.notes.errors == ([f"snapshot: {error}"] if error else [])
    assert source.said("blockdev-del") == [{"node_name": "snapshot"}]


def test_a_spare_job_is_gone_when_cancel_returns(rig: Rig) -> None:
    fake(rig.source).event("JOB_STATUS_CHANGE", id="spare", status="aborting")
    with pytest.raises(Hang):
        asyncio.run(rig.spare.cancel())
    fake(rig.source).event("JOB_STATUS_CHANGE", id="spare", status="null")
    asyncio.run(rig.spare.cancel())
