# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays the steps of a sequence, and looks after each one whether all is well."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import disk, migration, record, statuses
from ..build import Build
from ..notes import Notes
from ..oracle import DiskEvidence, Evidence, Verdict, VMEvidence, judge
from ..vm import VM, Died, Hang, Refused
from .faults import Faults
from .ledger import Debt, debt
from .stage import DESTINATION, SOURCE, Stage
from .step import Step

# What may well not happen is waited for that long.
SOON_SECONDS = 1.5
# What a destination has to do once the source is done with it.
ARRIVE_SECONDS = 30.0
RECORDS = 3
PAUSES = ("pre-switchover", "ready")
PIVOTS = ("block-job-complete", "job-complete")


class Over(Exception):
    """Something must not have happened; there is no point in going on."""


class Player:
    """Plays one sequence on one build, in a folder of its own."""

    def __init__(self, build: Build, folder: Path) -> None:
        self.stage = Stage(build, folder)
        self.notes = Notes()
        self.played: list[Step] = []
        self.refused = 0
        # Who has to go on in the end, if it is known.
        self.owner: str | None = None
        # Whether management has stopped the guest, and whether it has decided, after
        # `completed`, that the guest goes on at the source.
        self.stopped = self.reclaimed = False
        # Whether management has had a node inactivated.
        self.deactivated = False
        # Whether it has had one activated, whoever owned it.
        self._took = False
        # Whether the destination has not got what the source believes to have sent.
        self.lost = False
        self.faults = Faults()
        self.differences: dict[int, disk.Difference] = {}
        self.debts: dict[int, Debt] = {}
        self._pivots: dict[str, set[int]] = defaultdict(set)
        self.hang: str | None = None

    @property
    def source(self) -> VM:
        return self.stage[SOURCE]

    @property
    def status(self) -> str:
        """The status of the last migration, by the last event."""
        return (self._statuses() or [statuses.BEGIN])[-1]

    @property
    def handed_over(self) -> bool:
        """Whether the destination owns all, and the source has not taken it back."""
        return self.status == "completed" and not self.reclaimed

    def _statuses(self) -> list[str]:
        return statuses.of_migrations(migration.statuses(self.source))

    async def play(self, step: Step) -> None:
        """Play a step; raises Over when something must not have happened."""
        self.played.append(step)
        try:
            if "start" in step:
                await self.stage.start(step["at"], **step["start"])
            elif "execute" in step:
                await self.execute(step)
            elif "await" in step:
                await self._await(step)
            elif "fault" in step:
                await self.faults.cause(self.stage[step["at"]], step["at"], step)
            if len(self.stage.vms) > 1:
                await self.look()
        except Died as error:
            raise Over(str(error)) from None
        except Hang as error:
            self.hang = str(error)
            raise Over(self.hang) from None
        if self.notes.surprises:
            raise Over(self.notes.surprises[0])

    async def execute(self, step: Step) -> bool:
        """Whether the command is accepted; one to a process that was killed isn't."""
        vm, command = self.stage[step["at"]], step["execute"]
        position, status = len(vm.events), self.status
        if vm.killed:
            return False
        try:
            await vm.qmp(command, **step["arguments"])
        except Refused as error:
            self.notes.errors.append(str(error))
            self.refused += 1
            return False
        if vm is self.source:
            if command in PIVOTS:
                arguments = step["arguments"]
                job = arguments.get("device") or arguments["id"]
                self._pivots[job].add(position)
            elif command == "migrate_cancel" and status in PAUSES:
                await self._is_cancelled()
            elif command == "blockdev-set-active":
                self.deactivated |= not step["arguments"]["active"]
                self._took |= step["arguments"]["active"]
            elif command == "block-export-add":
                # This activates the node.
                self._took = True
            elif command in ("stop", "cont"):
                self.stopped = command == "stop"
                done = command == "cont" and self.status == "completed"
                self.reclaimed = self.reclaimed or done
        return True

    async def _is_cancelled(self) -> None:
        """Nothing goes on in the pause: a cancel ends it, and is no failure."""

        def left() -> str | None:
            return None if self.status in PAUSES else self.status

        status = await self.source.until("end of the pause", left, ARRIVE_SECONDS)
        harmed = any(
            step.get("fault") or step.get("execute") == "yank" for step in self.played
        )
        cancelled = status in ("cancelling", "cancelled")
        self.notes.check(harmed or cancelled, f"cancelled in the pause, it is {status}")

    async def _await(self, step: Step) -> None:
        vm = self.stage[step["at"]]
        if step["await"] == "records":
            await self.records(vm, soon=True)
        elif step["await"] == "migration":
            until = step["until"]
            await vm.soon(lambda: self.status in until or None, SOON_SECONDS)
        else:
            name, until = step["id"], step["until"]
            await vm.soon(lambda: job_status(vm, name) in until or None, SOON_SECONDS)

    async def records(self, vm: VM, soon: bool = False) -> None:
        """Wait for a few more records on each disk, if the guest runs."""
        before = vm.console.acknowledged()

        def more() -> bool | None:
            now = vm.console.acknowledged()
            written = all(now[i] >= before[i] + RECORDS for i in self.stage.disks)
            return written or (soon and not runs(vm)) or None

        if soon:
            await vm.soon(more, SOON_SECONDS)
        else:
            await vm.until("further acknowledged records", more, ARRIVE_SECONDS)

    async def look(self) -> None:
        """What has to be so at any time."""
        for vm in self.stage.living():
            if vm.exit_code is not None and not (vm.killed or vm.told_to_quit):
                raise Died(f"{vm.name} ended with {vm.exit_code}")
        if wrong := statuses.illegal(self._statuses()):
            self.notes.surprises.append(wrong)
        if self.source.exit_code is None:
            await self._look_at_guest()
        announced = [e.name for e in self.source.events].count("MIGRATION_READY")
        entered = self._statuses().count("ready")
        # One may have been received without the other.
        self.notes.check(
            abs(announced - entered) <= 1,
            f"status ready was entered {entered} times, and announced {announced} times",
        )
        if self.status == "completed" and not self.debts:
            await self._arrived()

    async def _look_at_guest(self) -> None:
        destination = self.stage[DESTINATION]
        there = not destination.killed and await is_running(destination)
        info = await self.source.qmp("query-migrate")
        here = await is_running(self.source)
        again = await self.source.qmp("query-migrate")
        ready = info.get("status") == again.get("status") == "ready"
        reason = info.get("status") != "failed" or info.get("error-desc")
        self.notes.check(bool(reason), "a migration has failed without a reason")
        self.notes.check(not (here and there), "the guest runs at both sides")
        self.notes.check(not (here and ready), "the guest runs in ready")
        if there and not (self.reclaimed or self._took):
            await self._is_inactive()

    async def _is_inactive(self) -> None:
        """The guest runs at the destination: the source must not have its disks."""
        nodes = await self.source.qmp("query-named-block-nodes", flat=True)
        names = {f"disk{i}" for i in self.stage.disks}
        active = [n["node-name"] for n in nodes if n.get("active")]
        for name in names & set(active):
            self.notes.check(False, f"{name} is active at both sides")

    async def _arrived(self) -> None:
        """A migration has completed: what was owed has to be at the destination."""
        events = self.source.events
        self.debts = {
            i: debt(f"m{i}", events, self._pivots[f"m{i}"]) for i in self.stage.disks
        }
        destination = self.stage[DESTINATION]
        if thrown_away(self.played):
            self.lost = True
        elif not destination.killed:
            with contextlib.suppress(Died):
                await self._end_at(destination)
        for i, owed in self.debts.items():
            if owed is Debt.OWED:
                self.compare(i)
        if any(difference.blocks for difference in self.differences.values()):
            raise Over("the images differ")

    async def _end_at(self, destination: VM) -> None:
        """Wait for the end of the migration there. Is it what the source believes?"""

        def end() -> str | None:
            seen = migration.statuses(destination)[-1:]
            return seen[0] if seen and seen[0] in ("completed", "failed") else None

        end_there = await destination.until("end of migration", end, ARRIVE_SECONDS)
        capabilities = await self.source.qmp("query-migrate-capabilities")
        tells = {"capability": "return-path", "state": True} in capabilities
        self.lost = end_there == "failed"
        # Without a return path the source can't know.
        believed = f"the migration has {end_there} there, and completed here"
        self.notes.check(not (self.lost and tells), believed)

    def compare(self, number: int) -> None:
        """Compare the images of a disk."""
        pair = [self.stage.image(side, number) for side in (SOURCE, DESTINATION)]
        self.differences[number] = disk.compare(*pair)

    def moved(self, number: int) -> bool:
        """Whether the guest has gone over to the target of this disk's mirror."""
        job = f"m{number}"
        owed = debt(job, self.source.events, self._pivots[job])
        return owed is Debt.MOVED

    async def verdict(self) -> Verdict:
        """End what still runs, and have the oracle judge all that was seen."""
        self.faults.end()
        await self.stage.kill()
        vms = self.stage.vms
        said = record.report("".join(vm.console.text for vm in vms))
        return judge(
            Evidence(
                vms=tuple(
                    VMEvidence(v.name, v.exit_code, v.told_to_quit, v.killed, v.stderr)
                    for v in vms
                ),
                disks=tuple(self._disk(i, said) for i in self.stage.disks),
                journey=migration.journey(self.source),
                errors=tuple(self.notes.errors),
                guest_errors=said.errors,
                surprises=tuple(self.notes.surprises),
                hang=self.hang,
                stops=migration.stops(self.source),
            )
        )

    def _disk(self, number: int, said: record.Report) -> DiskEvidence:
        difference = self.differences.get(number)
        return DiskEvidence(
            number=number,
            differing=difference.blocks if difference else None,
            first=difference.first if difference else None,
            acknowledged=said.acknowledged.get(number, {}),
            found=self._found(number),
        )

    def _found(self, number: int) -> record.Slots | None:
        """The records where they have to be; None if QEMU owes none."""
        at_destination = self.debts and not self.reclaimed
        if self.moved(number):
            side = DESTINATION
        elif not at_destination:
            side = SOURCE
        elif self.debts[number] is Debt.NONE:
            return None
        else:
            side = DESTINATION
        return disk.records(self.stage.image(side, number), number)


def runs(vm: VM) -> bool:
    """Whether a guest runs, by the last event."""
    names = [e.name for e in vm.events if e.name in ("STOP", "RESUME")]
    return not names or names[-1] == "RESUME"


async def is_running(vm: VM) -> bool:
    """Whether a guest runs, by what QEMU says now."""
    state: dict[str, Any] = await vm.qmp("query-status")
    return state["running"]


def job_status(vm: VM, name: str) -> str:
    """The status of a job, by the last event; "null" if there is none."""
    told = [
        e.data["status"]
        for e in vm.events
        if e.name == "JOB_STATUS_CHANGE" and e.data["id"] == name
    ]
    return told[-1] if told else "null"


def thrown_away(played: Sequence[Step]) -> bool:
    """Whether the destination was told to quit while the migration went there."""
    for step in reversed(played):
        if step.get("at") == DESTINATION and "start" in step:
            return True
        if step.get("execute") == "migrate":
            return False
    return False
