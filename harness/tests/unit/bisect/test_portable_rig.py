# SPDX-License-Identifier: GPL-2.0-or-later
"""A run of a QEMU of any age: its guest, its link, and what it is judged by."""

from __future__ import annotations

import asyncio
import shutil
import struct
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from fake_vm import FakeVM

from switchover.bisect import (
    bootsector,
    portable_rig,
    portable_scenarios,
    run_scenario,
)
from switchover.bisect.link import Link
from switchover.bisect.outcome import BAD, GOOD, SKIP, Outcome
from switchover.bisect.portable_mirror import BEHIND
from switchover.bisect.portable_rig import PAUSE
from switchover.core.progress import Progress
from switchover.guest import disk
from switchover.judging.oracle import Expected, Verdict
from switchover.qemu.build import Build


def test_the_boot_sector_boots_and_its_code_ends_before_its_data() -> None:
    image = bootsector.image()
    assert len(image) == bootsector.SECTOR
    assert image[-2:] == b"\x55\xaa"
    code = image[: bootsector.PACKET - bootsector.ORIGIN].rstrip(b"\0")
    # Its last instruction jumps back to the increment of the counter.
    (distance,) = struct.unpack("<h", code[-2:])
    assert code[-3] == 0xE9
    assert code[len(code) + distance :].startswith(b"\x66\xff\x06")


def test_the_link_forwards_both_ways_at_its_rate_and_can_be_cut(tmp_path: Path) -> None:
    size = 256 << 10

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(size)
        writer.write(b"done")
        await writer.drain()

    async def story() -> float:
        server = await asyncio.start_unix_server(serve, tmp_path / "there")
        link = Link(tmp_path, "here", "there")
        link.rate = size
        await link.open()
        reader, writer = await asyncio.open_unix_connection(tmp_path / "here")
        start = time.monotonic()
        writer.write(b"x" * size)
        assert await reader.readexactly(4) == b"done"
        duration = time.monotonic() - start
        await link.cut()
        assert await reader.read() == b""
        with pytest.raises(OSError):
            await asyncio.open_unix_connection(tmp_path / "here")
        server.close()
        return duration

    # Never faster than its rate; how much slower depends on the machine.
    assert asyncio.run(story()) > 0.9


ASSERTION = "qemu: /x/block/io.c:9: f: Assertion `a' failed."
COMMANDS = ("drive-mirror", "blockdev-mirror", "blockdev-add", "nbd-server-add")


class Process(FakeVM):
    """A QEMU that does to its files and says what the class attributes say."""

    status = "completed"
    copies = True
    ends_with: dict[str, str] = {}
    commands_known: tuple[str, ...] = COMMANDS
    # By name: what it ends with, and what it has written to stderr by then.
    exits: dict[str, tuple[int, str]] = {}

    def __init__(self, name: str, _command: list[str], folder: Path) -> None:
        super().__init__(name)
        self.folder = folder
        self.exit_code: int | None = None
        self.told_to_quit = False
        self.stderr = ""
        (folder / f"{name}.said").touch()

    async def qmp(self, command: str, **arguments: Any) -> Any:
        known = [{"name": name} for name in self.commands_known]
        answers: dict[str, Any] = {
            "query-commands": known,
            "query-qmp-schema": [],
            "query-block-jobs": [{"len": BEHIND, "offset": 0}],
            "query-migrate-capabilities": [{"capability": PAUSE}],
            "query-migrate": {"error-desc": "it was refused"},
        }
        await super().qmp(command, **arguments)
        if command in ("drive-mirror", "blockdev-mirror"):
            self.mirror()
        elif command == "block-job-cancel":
            self.event("BLOCK_JOB_CANCELLED", device="disk0", **self.ends_with)
        elif command == "migrate-incoming":
            self.event("MIGRATION", status="completed")
        elif command == "migrate":
            paused = self.said("migrate-set-capabilities")
            self.event("MIGRATION", status="pre-switchover" if paused else self.status)
            if self.said("migrate_set_speed"):
                self.event("BLOCK_JOB_COMPLETED", device="disk0", error="lost")
        elif command == "migrate-continue":
            self.event("MIGRATION", status=self.status)
        return answers.get(command, {})

    def mirror(self) -> None:
        (image,) = (p for p in self.folder.glob("*.raw") if p.name != "target.raw")
        if self.copies:
            shutil.copy(image, self.folder / "target.raw")
        self.event("BLOCK_JOB_READY", device="disk0")

    async def until_told(
        self, what: str, ask: Callable[[], Awaitable[bool]], deadline: float
    ) -> None:
        with (self.folder / f"{self.name}.said").open("a") as said:
            said.write("x")
        await super().until_told(what, ask, deadline)

    async def end(self, deadline: float = 0) -> int:
        raise TimeoutError(deadline)

    async def quit(self) -> None:
        self.exit_code, self.stderr = self.exits.get(self.name, (0, ""))
        self.told_to_quit = self.exit_code == 0


@pytest.fixture
def judged(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Runs a scenario with processes that are as the arguments say."""

    def make(path: Path) -> None:
        path.write_bytes(b"x" * 4 * disk.BLOCK)

    monkeypatch.setattr(disk, "make", make)
    monkeypatch.setattr(portable_rig, "BIG_MIB", 1)

    def run(scenario: str, **behaviour: Any) -> Outcome:
        kind = type("Kind", (Process,), behaviour)
        monkeypatch.setattr(portable_rig, "OldVM", kind)
        return run_scenario.run(scenario, Build("b", project), Progress())

    return run


every_scenario = pytest.mark.parametrize("scenario", portable_scenarios.BY_NAME)


@every_scenario
def test_what_was_copied_is_good(scenario: str, judged: Callable[..., Outcome]) -> None:
    found = judged(scenario)
    assert (found.verdict, found.why.split(":")[0]) == (GOOD, "completed")


@every_scenario
def test_what_was_never_copied_is_bad(
    scenario: str, judged: Callable[..., Outcome]
) -> None:
    size = "256 KiB" if "throttled" not in scenario else "1 MiB"
    expected = Outcome(BAD, f"completed, {size} never copied")
    assert judged(scenario, copies=False) == expected


@every_scenario
def test_nothing_is_lost_where_the_source_goes_on(
    scenario: str, judged: Callable[..., Outcome]
) -> None:
    found = judged(scenario, copies=False, status="failed")
    assert found == Outcome(GOOD, "failed: it was refused")


@pytest.mark.parametrize("name", ["source", "destination"])
def test_a_crash_is_bad(name: str, judged: Callable[..., Outcome]) -> None:
    found = judged("unfinished-migration", exits={name: (-6, ASSERTION)})
    crash = f"crash: {name}: block/io.c:9: f: Assertion `a' failed"
    assert found == Outcome(BAD, crash)


def test_an_exit_is_no_crash(judged: Callable[..., Outcome]) -> None:
    gone = {"destination": (1, "")}
    found = judged("unfinished-migration", status="failed", exits=gone)
    assert found.verdict == GOOD
    gone = {"source": (1, "no memory")}
    found = judged("unfinished-migration", exits=gone)
    assert found == Outcome(SKIP, "the source exited: no memory")


def test_the_end_of_the_mirror_is_waited_for(judged: Callable[..., Outcome]) -> None:
    found = judged("cancel-in-pause", ends_with={"error": "no space"})
    assert found == Outcome(GOOD, "completed: no space")


def test_a_hang_is_no_verdict(judged: Callable[..., Outcome]) -> None:
    def mirror(_self: Process) -> None:
        """It never becomes READY."""

    found = judged("ready-mirror", mirror=mirror)
    assert found == Outcome(SKIP, "hang: BLOCK_JOB_READY within 60.0")


def test_what_a_qemu_lacks_is_no_verdict(judged: Callable[..., Outcome]) -> None:
    for scenario, command in (("ready", "drive"), ("throttled-blockdev", "blockdev")):
        found = judged(f"{scenario}-mirror", commands_known=COMMANDS[2:])
        assert found == Outcome(SKIP, f"it has no {command}-mirror")


def test_what_was_not_compared_is_no_verdict(tmp_path: Path) -> None:
    rig = portable_rig.PortableRig(Build("b", tmp_path), tmp_path)
    rig.status = "completed"
    assert rig.outcome() == Outcome(SKIP, "completed, but nothing was compared")
    rig.status = ""
    rig.errors.append("unheard of")
    assert rig.outcome() == Outcome(SKIP, "it did not migrate: unheard of")


def test_scenarios_have_names_of_their_own() -> None:
    assert len(set(run_scenario.NAMES)) == len(run_scenario.NAMES)
    assert len(portable_scenarios.BY_NAME) == len(portable_scenarios.ALL)


def test_a_scenario_of_the_series_is_judged_by_what_is_declared() -> None:
    done = Expected(journey=("completed",))
    verdict = Verdict(journey=("completed",))
    assert run_scenario.native_outcome(verdict, done).verdict == GOOD
    twice = Expected(journey=("completed",), stops=2)
    assert "stopped 0 times, not 2" in run_scenario.native_outcome(verdict, twice).why
    assert run_scenario.native_outcome(Verdict(hang="no end"), done).verdict == SKIP
    crash = Verdict(hang="no end", crashes=("abort: source: f",))
    assert run_scenario.native_outcome(crash, done).verdict == BAD


def test_a_scenario_without_an_end_leaves_backtraces(
    judged: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start(_vm: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(run_scenario, "SECONDS", 0.1)
    found = judged("unfinished-migration", start=start)
    assert found.verdict == SKIP
    assert found.why.startswith("no end within 0 s; see ")
    assert found.why.endswith("/source.backtrace")
