# SPDX-License-Identifier: GPL-2.0-or-later
"""Rig: what is said to which side."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from fake_vm import FakeVM

from switchover.guest.kernel import Guest
from switchover.qemu.build import Build
from switchover.stories import rig as rig_module
from switchover.stories.rig import Lab, Rig
from switchover.vm import commandline
from switchover.vm.accel import Accel
from switchover.vm.vm import Hang


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
    return Rig(Lab(build, Guest(tmp_path), Accel("tcg", ""), tmp_path), 1, False)


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
    held, released = rig.source.said("migrate-set-parameters")
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
    assert len(rig.storage.said("nbd-server-stop")) == 1


def test_a_guest_that_runs_where_it_should_not_is_a_surprise(rig: Rig) -> None:
    asyncio.run(rig.is_stopped(rig.destination))
    assert rig.notes.surprises == ["the guest runs at destination"]
    asyncio.run(rig.is_stopped(rig.destination))
    assert len(rig.notes.surprises) == 1


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
    monkeypatch.setattr(Build, "qemu_img", lambda *_, cwd: None)
    jobs = [{"id": "m0", "error": "of another job"}, {"id": "snapshot"}]
    if error:
        jobs[1]["error"] = error
    rig.source = FakeVM("source", query_jobs=[jobs])
    rig.source.event("JOB_STATUS_CHANGE", id="snapshot", status="concluded")
    asyncio.run(rig.save_snapshot())
    assert rig.notes.errors == ([f"snapshot: {error}"] if error else [])
    assert rig.source.said("blockdev-del") == [{"node_name": "snapshot"}]


def test_a_spare_job_is_gone_when_cancel_returns(rig: Rig) -> None:
    rig.source.event("JOB_STATUS_CHANGE", id="spare", status="aborting")
    with pytest.raises(Hang):
        asyncio.run(rig.spare.cancel())
    rig.source.event("JOB_STATUS_CHANGE", id="spare", status="null")
    asyncio.run(rig.spare.cancel())
