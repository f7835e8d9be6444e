# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured has nothing in its way that a case does not ask for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fake_vm import FakeVM

from switchover.bench import downtime, latency, slowlink
from switchover.bench.measured_rig import MeasuredRig, Setup
from switchover.guest import kernel
from switchover.guest.kernel import Guest
from switchover.qemu.build import Build
from switchover.stories import rig as rig_module
from switchover.stories.rig import Lab, Rig
from switchover.vm.accel import Accel

pytestmark = pytest.mark.usefixtures("project")

# What the figures of downtime and latency are measured with.
SETUPS = {
    variant.measure.setup
    for case in downtime.CASES
    for variant in case.variants
    if isinstance(variant.measure, downtime.Switchover)
}
SETUPS.add(Setup(task=latency.TASK))


class Process(FakeVM):
    """One whose mirrors are READY at once, and whose guest works."""

    def __init__(self, name: str, command: list[str], *_rest: object) -> None:
        super().__init__(name)
        self.command = command
        self.console = SimpleNamespace(text=kernel.MARKER)

    async def qmp(self, command: str, **arguments: Any) -> Any:
        if command == "blockdev-mirror":
            self.event("BLOCK_JOB_READY", device=arguments["job_id"])
        return await super().qmp(command, **arguments)

    def graph(self) -> str:
        """All that it was told of nodes and exports."""
        return f"{self.command} {self.commands}"


def up(
    setup: Setup, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Process, Process]:
    """Bring a rig up; its source and its destination."""
    monkeypatch.setattr(rig_module, "VM", Process)
    monkeypatch.setattr(
        "switchover.bench.measured_rig.slow_flush", lambda: folder / "slowflush.so"
    )
    lab = Lab(Build("base", folder), Guest(folder), Accel("tcg", ""), folder)
    rig: Any = MeasuredRig(lab, setup)
    asyncio.run(rig.up())
    return rig.source, rig.destination


@pytest.mark.parametrize("setup", sorted(SETUPS, key=repr), ids=str)
def test_no_filter_is_measured(
    setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for vm in up(setup, tmp_path, monkeypatch):
        assert "throttle" not in vm.graph()


def test_the_disks_themselves_are_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, destination = up(Setup(disks=2), tmp_path, monkeypatch)
    told = [name for name, _ in destination.commands]
    assert told == ["nbd-server-start", "block-export-add", "block-export-add"]
    exports = destination.said("block-export-add")
    assert [(e["node_name"], e["name"]) for e in exports] == [
        ("disk0", "disk0"),
        ("disk1", "disk1"),
    ]
    assert [n["export"] for n in source.said("blockdev-add")] == ["disk0", "disk1"]


def test_a_slow_link_is_throttled_on_both_sides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, destination = up(slowlink.SETUP, tmp_path, monkeypatch)
    (export,) = destination.said("block-export-add")
    assert export["node_name"] == "throttle0"
    assert "throttle-group,id=reads" in source.command


def test_with_shared_storage_nothing_is_mirrored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, destination = up(Setup(shared=True), tmp_path, monkeypatch)
    assert destination.commands == []
    assert source.said("blockdev-mirror") == []
    assert "destination0.raw" not in destination.graph()


def test_what_the_rig_does_otherwise_is_still_there_to_be_done_otherwise() -> None:
    own = {name for name in vars(MeasuredRig) if name.startswith("_")}
    hooks = {name for name in own if not name.startswith("__")}
    assert hooks
    assert hooks <= set(dir(Rig))
