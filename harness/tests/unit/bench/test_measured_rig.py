# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured has nothing in its way that a case does not ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_vm import FakeVM

from switchover.bench import downtime, latency, measured_rig, slowlink
from switchover.bench.measured_rig import MeasuredRig, Setup
from switchover.guest import kernel
from switchover.guest.kernel import Guest
from switchover.qemu.build import Build
from switchover.stories import rig as rig_module
from switchover.stories.rig import Lab, Rig
from switchover.vm.accel import Accel
from switchover.vm.monitor import Event
from switchover.vm.vm import Hang

pytestmark = pytest.mark.usefixtures("project")

# What the figures of downtime and latency are measured with.
SETUPS = {
    variant.measure.setup
    for case in downtime.CASES
    for variant in case.variants
    if isinstance(variant.measure, downtime.Switchover)
}
SETUPS.add(Setup(task=latency.TASK))


# A thousand writes that took the squares of 1 to 1000 in us, after one that doesn't
# count.
WRITES = "".join(f"TOOK 0 {number**2 * 1000}\r\n" for number in range(1, 1001))


class Process(FakeVM):
    """One whose mirrors are READY at once, and whose guest works."""

    def __init__(
        self, name: str, command: list[str], folder: Path, *_rest: object
    ) -> None:
        super().__init__(name)
        self.command = command
        self.folder = folder
        self.console.text = f"{kernel.MARKER}\nTOOK 0 9\r\n"
        self.remaining = 0

    async def qmp(self, command: str, **arguments: Any) -> Any:
        if command == "blockdev-mirror":
            self.event("BLOCK_JOB_READY", device=arguments["job_id"])
        await super().qmp(command, **arguments)
        jobs = [{"device": "m0", "len": self.remaining, "offset": 0}]
        return jobs if command == "query-block-jobs" else {}

    async def until(self, what: str, probe: Callable[[], Any], deadline: float) -> Any:
        if what == "writes":
            self.console.text += WRITES
        return await super().until(what, probe, deadline)

    def graph(self) -> str:
        """All that it was told of nodes and exports."""
        return f"{self.command} {self.commands}"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr(rig_module, "VM", Process)
    library = tmp_path / "slowflush.so"
    monkeypatch.setattr(measured_rig, "slow_flush", lambda: library)
    build = Build("base", tmp_path)
    return Lab(build, Guest(tmp_path), Accel("tcg", ""), tmp_path)


def up(setup: Setup, lab: Lab) -> tuple[Process, Process]:
    """Bring a rig up; its source and its destination."""
    rig: Any = MeasuredRig(lab, setup)
    asyncio.run(rig.up())
    return rig.source, rig.destination


@pytest.mark.parametrize("setup", sorted(SETUPS, key=repr), ids=str)
def test_no_filter_is_measured(setup: Setup, lab: Lab) -> None:
    for vm in up(setup, lab):
        assert "throttle" not in vm.graph()


def test_the_disks_themselves_are_exported(lab: Lab) -> None:
    source, destination = up(Setup(disks=2), lab)
    told = [name for name, _ in destination.commands]
    assert told == ["nbd-server-start", "block-export-add", "block-export-add"]
    exports = destination.said("block-export-add")
    assert [(e["node_name"], e["name"]) for e in exports] == [
        ("disk0", "disk0"),
        ("disk1", "disk1"),
    ]
    assert [n["export"] for n in source.said("blockdev-add")] == ["disk0", "disk1"]


def test_a_slow_link_is_throttled_on_both_sides(lab: Lab) -> None:
    source, destination = up(slowlink.SETUP, lab)
    (export,) = destination.said("block-export-add")
    assert export["node_name"] == "throttle0"
    assert "throttle-group,id=reads" in source.command


def test_with_shared_storage_nothing_is_mirrored(lab: Lab) -> None:
    source, destination = up(Setup(shared=True), lab)
    assert destination.commands == []
    assert source.said("blockdev-mirror") == []
    assert "destination0.raw" not in destination.graph()


def test_what_the_rig_does_otherwise_is_still_there_to_be_done_otherwise() -> None:
    own = {name for name in vars(MeasuredRig) if name.startswith("_")}
    hooks = {name for name in own if not name.startswith("__")}
    assert hooks
    assert hooks <= set(dir(Rig))


def test_what_a_write_takes_is_counted_from_when_the_mirror_is_ready(lab: Lab) -> None:
    found = asyncio.run(latency.Writes("background")(lab))
    assert found == {"median": 250500.5, "p99": pytest.approx(991**2, rel=0.01)}


def test_the_migration_waits_until_the_mirror_is_behind(lab: Lab) -> None:
    measure = slowlink.Behind(slowlink.SETUP, downtime.by_hand)
    rig: Any = MeasuredRig(lab, slowlink.SETUP)
    rig.source.remaining = slowlink.BEHIND - 1
    with pytest.raises(Hang, match="mirror that is behind"):
        asyncio.run(measure.prepare(rig))
    rig.source.remaining = slowlink.BEHIND
    asyncio.run(measure.prepare(rig))
    (link, *_) = rig.destination.said("qom-set")
    assert link["value"] == {"bps-total": slowlink.LINK}
    writes = [said["value"] for said in rig.source.said("qom-set")]
    assert writes[-1] == {"bps-write": slowlink.SLOW_WRITER}


def test_downtime_is_from_stop_and_from_when_the_cpus_stood_still(lab: Lab) -> None:
    rig: Any = MeasuredRig(lab, Setup())
    states = (("active", 1), ("pre-switchover", 10.2), ("device", 10.4))
    told = [Event("MIGRATION", {"status": name}, time) for name, time in states]
    rig.source.events = [Event("STOP", {}, 10.1), *told]
    arrived = Event("MIGRATION", {"status": "completed"}, 10.9)
    rig.destination.events = [arrived]
    rig.destination.monitor.find = lambda *_args, **_data: arrived
    log = "1970-01-01T00:00:10.000000Z runstate_set current_run_state 9 (running) "
    (lab.folder / "source.trace").write_text(f"{log}new_state 3 (finish-migrate)\n")
    assert rig.downtime() == pytest.approx(
        {"downtime": 800, "stopped": 900, "before pause": 100, "in pause": 200}
    )


class Client:
    """Notes what it is told and what it waits for."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    async def execute(self, command: str, **_arguments: Any) -> None:
        self.notes.append(command)

    async def event(self, name: str, _seconds: float, **data: Any) -> None:
        self.notes.append(" ".join([name, *data.values()]))


CANCELLED = ["block-job-cancel"] * 2
ENDED = ["BLOCK_JOB_COMPLETED m0", "BLOCK_JOB_COMPLETED m1"]


@pytest.mark.parametrize(
    ("way", "notes"),
    [
        (downtime.plain, []),
        (
            downtime.libvirt,
            ["MIGRATION pre-switchover", *CANCELLED, *ENDED, "migrate-continue"],
        ),
        (
            downtime.by_hand,
            ["MIGRATION_READY", *CANCELLED, *ENDED, "migration-complete"],
        ),
    ],
)
def test_mirrors_have_ended_before_it_goes_on(
    way: downtime.Way, notes: list[str], lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def migrate() -> None:
        pass

    async def switch_over(client: Any) -> None:
        await way(rig, client)

    rig, client = MeasuredRig(lab, Setup(disks=2)), Client()
    monkeypatch.setattr(rig, "migrate", migrate)
    asyncio.run(switch_over(client))
    assert client.notes == notes
