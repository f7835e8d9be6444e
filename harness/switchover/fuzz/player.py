# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays the steps of a sequence, and has all looked at after each one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..judging import evidence
from ..judging.evidence import Notes
from ..judging.journey import UNDER_WAY
from ..judging.oracle import Verdict, judge
from ..qemu.build import Build
from ..vm.vm import VM, Died, Hang, Refused
from . import faults
from .checks import ARRIVE_SECONDS, Checks, Over
from .clients import Clients
from .ownership import Ownership
from .processes import Processes, last_status, runs
from .step import Step, execute

# What may well not happen is waited for that long.
SOON_SECONDS = 1.5
RECORDS = 3
PAUSES = ("pre-switchover", "ready")


class Player:
    """Plays one sequence on one build, in a folder of its own."""

    def __init__(self, build: Build, folder: Path) -> None:
        self.processes = Processes(build, folder)
        self.notes = Notes()
        self.ownership = Ownership(self.processes)
        self.faults = faults.Faults()
        self.checks = Checks(self.processes, self.ownership, self.faults, self.notes)
        self.clients = Clients(folder)
        self.played: list[Step] = []
        self.over = False

    async def play(self, step: Step) -> None:
        """Play a step, unless something has happened that must not."""
        if not self.over:
            self.played.append(step)
            with self.ends():
                await self._play(step)
                if self.processes.is_complete:
                    await self.checks.look()

    @contextlib.contextmanager
    def ends(self) -> Iterator[None]:
        """It is over when a process dies or hangs, or something is wrong."""
        try:
            yield
        except (Over, Died):
            self.over = True
        except Hang as error:
            self.notes.hang, self.over = str(error), True
        self.over = self.over or bool(self.notes.surprises)

    async def _play(self, step: Step) -> None:
        if "start" in step:
            self._replaces(step["at"])
            await self.processes.start(step["at"], **step["start"])
        elif "execute" in step:
            if await self.execute(step) and step["execute"] in faults.COMMANDS:
                self.faults.note()
        elif "await" in step:
            await self._await(step)
        elif "client" in step:
            await self.clients.connect(step["client"])
        elif "fault" in step:
            vm = self.processes.current[step["at"]]
            await self.faults.cause(vm, step["at"], step)

    def _replaces(self, side: str) -> None:
        """A process is replaced: does anything depend on the former one?"""
        if side in self.processes.current:
            self.faults.disturbed |= self.ownership.status in UNDER_WAY
            serves = side == self.processes.server
            self.faults.harmed |= self.faults.disturbed or serves

    async def command(self, at: str, name: str, /, **arguments: Any) -> bool:
        """Run a command that may be refused; whether it wasn't."""
        return await self.execute(execute(at, name, **arguments))

    async def execute(self, step: Step) -> bool:
        """Whether the command is accepted; one to a process that was killed isn't."""
        vm, command = self.processes.current[step["at"]], step["execute"]
        here = vm is self.processes.source
        if command == "cont" and here:
            self.ownership.take_back()
            if self.ownership.would_run_twice:
                return False
        if vm.killed:
            return False
        position, paused = len(vm.events), self.ownership.status in PAUSES
        try:
            await vm.qmp(command, **step["arguments"])
        except Refused as error:
            self.notes.errors.append(str(error))
            return False
        if here:
            disks = self.processes.disks
            written = {f"m{i}" for i in disks if self.clients.writes(i)}
            self.ownership.note(command, step["arguments"], position, written)
            self.faults.disturbed &= command != "migrate"
            if command == "migrate_cancel" and paused:
                await self._is_cancelled()
        return True

    async def _is_cancelled(self) -> None:
        """Nothing goes on in the pause: a cancel ends it, and is no failure."""

        def left() -> str | None:
            status = self.ownership.status
            return None if status in PAUSES else status

        source = self.processes.source
        status = await source.until("end of the pause", left, ARRIVE_SECONDS)
        # It may have been too late, if it was about to go on.
        well = self.faults.harmed or self.ownership.management.goes_on
        well = well or status in ("cancelling", "cancelled")
        self.notes.check(well, f"cancelled in the pause, it is {status}")

    async def _await(self, step: Step) -> None:
        vm = self.processes.current[step["at"]]

        def reached() -> bool | None:
            if step["await"] == "migration":
                return self.ownership.status in step["until"] or None
            return last_status(vm.events, step["id"]) in step["until"] or None

        if step["await"] == "records":
            await self.records(vm, soon=True)
        else:
            await vm.soon(reached, SOON_SECONDS)

    async def records(self, vm: VM, soon: bool = False) -> None:
        """Wait for a few more records on each disk, if the guest runs."""
        more = vm.console.further(self.processes.disks, RECORDS)
        if soon:
            await vm.soon(lambda: more() or not runs(vm) or None, SOON_SECONDS)
        else:
            await vm.until("further acknowledged records", more, ARRIVE_SECONDS)

    async def verdict(self) -> Verdict:
        """End what still runs, and have the oracle judge all that was seen."""
        self.faults.end()
        await self.clients.end()
        await self.processes.kill()
        numbers = self.processes.disks
        disks = [self.ownership.disk(i) for i in numbers]
        disks += self.clients.disks({i: self.ownership.image(i) for i in numbers})
        vms, source = self.processes.vms, self.processes.source
        seen = evidence.collect(vms, disks, self.notes, [source])
        if self.ownership.management.has_taken_disks or self.may_fail:
            # A guest can't write to what was taken from it.
            seen = replace(seen, guest_errors=())
        return judge(seen)

    @property
    def may_fail(self) -> bool:
        """Whether the guest went over to a target that was harmed."""
        moved = (self.ownership.moved(i) for i in self.processes.disks)
        return self.faults.harmed and any(moved)
