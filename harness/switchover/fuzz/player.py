# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays the steps of a sequence, and looks after each one whether all is well."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..guest import disk, record
from ..judging import evidence, journey, legal_statuses
from ..judging.evidence import Disk
from ..judging.notes import Notes
from ..judging.oracle import Verdict, judge
from ..qemu.build import Build
from ..vm.monitor import Event
from ..vm.vm import VM, Died, Hang, Refused
from .clients import Clients
from .faults import Faults
from .guarantees import Guarantee, JobCommands, guarantee
from .processes import DESTINATION, SOURCE, Processes
from .step import Step

# What may well not happen is waited for that long.
SOON_SECONDS = 1.5
# What a destination has to do once the source is done with it.
ARRIVE_SECONDS = 30.0
RECORDS = 3
PAUSES = ("pre-switchover", "ready")
# Commands that harm a migration or a mirror as a fault does.
FAULTS = ("block_resize", "blockdev-reopen", "device_del", "nbd-server-stop", "yank")
GO_ON = ("migrate-continue", "migration-complete")


class Over(Exception):
    """Something must not have happened; there is no point in going on."""


class Player:
    """Plays one sequence on one build, in a folder of its own."""

    def __init__(self, build: Build, folder: Path) -> None:
        self.processes = Processes(build, folder)
        self.notes = Notes()
        self.played: list[Step] = []
        self.refused = 0
        # Whether management has stopped the guest, and whether it has decided, after
        # `completed`, that the guest goes on at the source.
        self.stopped = self.reclaimed = False
        # Whether something was done that lets a migration fail, or a mirror, at any
        # time, and whether it was done to the migration that is the last.
        self.harmed = self.disturbed = False
        # Whether it has been told to go on from a pause.
        self._goes_on = False
        # Whether management has nodes inactivated, and whether it ever had.
        self.deactivated = self._robbed = False
        # Whether it has had one activated, whoever owned it.
        self._took = False
        # Whether the guest runs at both sides because they could not tell each other.
        self.split = False
        # Whether the destination has not got what the source believes to have sent.
        self.lost = False
        self.faults = Faults()
        self.clients = Clients(folder)
        # The destination's images, when management took the guest back.
        self._left: dict[int, str] = {}
        # Which command made a job.
        self.made_by: dict[str, str] = {}
        self.differences: dict[int, disk.Difference] = {}
        self.guarantees: dict[int, Guarantee] = {}
        self._job_commands: dict[str, JobCommands] = defaultdict(JobCommands)

    @property
    def source(self) -> VM:
        return self.processes[SOURCE]

    @property
    def status(self) -> str:
        """The status of the last migration, by the last event."""
        return (self._statuses() or [legal_statuses.BEGIN])[-1]

    @property
    def handed_over(self) -> bool:
        """Whether the destination owns all, and the source has not taken it back."""
        return self.status == "completed" and not self.reclaimed

    @property
    def arrived(self) -> bool:
        """Whether the destination says that it has got everything."""
        destination = self.processes[DESTINATION]
        return journey.statuses(destination)[-1:] == ["completed"]

    def _statuses(self) -> list[str]:
        return journey.outgoing(self.source)

    def attempt(self) -> list[str]:
        """The statuses of the last migration."""
        seen = self._statuses()
        begin = max((n for n, s in enumerate(seen) if s == "setup"), default=0)
        return seen[begin:]

    async def play(self, step: Step) -> None:
        """Play a step; raises Over when something must not have happened."""
        self.played.append(step)
        try:
            if "start" in step:
                self._replaces(step["at"])
                await self.processes.start(step["at"], **step["start"])
            elif "execute" in step:
                accepted = await self.execute(step)
                self._harms(accepted and step["execute"] in FAULTS)
            elif "await" in step:
                await self._await(step)
            elif "client" in step:
                await self.clients.connect(step["client"])
            elif "fault" in step:
                # What was frozen goes on as if nothing had happened.
                cancels = step.get("execute") == "migrate_cancel"
                self._harms(cancels or step["fault"] == "kill")
                await self.faults.cause(self.processes[step["at"]], step["at"], step)
            if self.processes.is_complete:
                await self.look()
        except Died as error:
            raise Over(str(error)) from None
        except Hang as error:
            self.notes.hang = str(error)
            raise Over(self.notes.hang) from None
        if self.notes.surprises:
            raise Over(self.notes.surprises[0])

    def _harms(self, yes: bool) -> None:
        self.harmed, self.disturbed = self.harmed or yes, self.disturbed or yes

    def _replaces(self, side: str) -> None:
        """A process is replaced: does anything depend on the former one?"""
        if self.processes.has(side):
            self.disturbed |= self.status in legal_statuses.UNDER_WAY
            self.harmed |= self.disturbed or self.processes.serves(side)

    async def execute(self, step: Step) -> bool:
        """Whether the command is accepted; one to a process that was killed isn't."""
        vm, command = self.processes[step["at"]], step["execute"]
        position, status = len(vm.events), self.status
        if command == "cont" and vm is self.source and self._is_there():
            self.takes_back()
        if vm.killed or (command == "cont" and self._would_run_twice(vm)):
            return False
        try:
            await vm.qmp(command, **step["arguments"])
        except Refused as error:
            self.notes.errors.append(str(error))
            self.refused += 1
            return False
        if vm is self.source:
            self._note(command, step["arguments"], position)
            if command == "migrate_cancel" and status in PAUSES:
                await self._is_cancelled()
        return True

    def _would_run_twice(self, vm: VM) -> bool:
        """Whether the guest may run, or soon run, at the destination by itself."""
        ended = self.status in (legal_statuses.BEGIN, "cancelled", "failed")
        away = not ended or (self.arrived and not self.processes[DESTINATION].killed)
        return vm is self.source and self.processes.starts_itself and away

    def _note(self, command: str, arguments: dict[str, Any], position: int) -> None:
        """Remember what has to do with who owns what."""
        job = arguments.get("device") or arguments.get("id")
        if command in ("block-job-complete", "job-complete"):
            self._job_commands[job].pivots.add(position)
        elif command == "block-job-cancel" and arguments.get("force"):
            self._job_commands[job].aborts.add(position)
        elif command in ("block-job-cancel", "job-cancel"):
            told = self._job_commands[job]
            # What a client writes after the end of the job is not copied.
            ends = any(
                f"m{i}" == job and self.clients.writes(i) for i in self.processes.disks
            )
            (told.aborts if ends else told.cancels).add(position)
        elif command == "blockdev-set-active":
            self._set_active(arguments["active"], "node-name" not in arguments)
        elif command == "block-export-add":
            # This activates the node.
            self._took |= self._is_away()
        elif command == "block_resize":
            # It isn't as large any more as what was copied.
            job = arguments["node-name"].replace("disk", "m")
            self._job_commands[job].aborts.add(position)
        elif command in GO_ON:
            self._goes_on = True
        elif command == "migrate":
            self._goes_on = self.disturbed = False
            self.reclaimed = self._took = self.lost = False
            self.guarantees, self.differences, self._left = {}, {}, {}
        elif command in ("stop", "cont"):
            self.stopped = command == "stop"
            away = self.status == "completed" or self.arrived or bool(self.guarantees)
            done = command == "cont" and away
            self.reclaimed = self.reclaimed or done

        if "job-id" in arguments:
            self.made_by[arguments["job-id"]] = command
            # It may copy to where the guest has been before.
            self._left = {}

    def _set_active(self, active: bool, everything: bool) -> None:
        self._robbed |= not active
        self.deactivated = not active or (self.deactivated and not everything)
        self._took |= active and self._is_away()
        self._left = {} if active else self._left

    def _is_there(self) -> bool:
        """Whether the destination owns all, and its guest doesn't run yet."""
        return (
            self.handed_over
            and not self.processes.starts_itself
            and bool(self.guarantees)
        )

    def takes_back(self) -> None:
        """Note what the destination has got; nothing more may be written to it."""
        self._left = self._images_there()

    def _images_there(self) -> dict[int, str]:
        """What is in the destination's images."""
        return {
            i: disk.digest(self.processes.image(DESTINATION, i))
            for i in self.guarantees
        }

    def left_alone(self) -> None:
        """The guest was taken back: its mirrors don't write elsewhere any more."""
        if self._left:
            well = self._left == self._images_there()
            self.notes.check(well, "after completed a mirror has written once more")

    def _is_away(self) -> bool:
        away = ("device", "completed", "failed")
        return self.status in away or self.status.startswith("postcopy")

    async def _is_cancelled(self) -> None:
        """Nothing goes on in the pause: a cancel ends it, and is no failure."""

        def left() -> str | None:
            return None if self.status in PAUSES else self.status

        status = await self.source.until("end of the pause", left, ARRIVE_SECONDS)
        # It may have been too late, if it was about to go on.
        cancelled = status in ("cancelling", "cancelled")
        well = self.harmed or self._goes_on or cancelled
        self.notes.check(well, f"cancelled in the pause, it is {status}")

    async def _await(self, step: Step) -> None:
        vm = self.processes[step["at"]]
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
            written = all(now[i] >= before[i] + RECORDS for i in self.processes.disks)
            return written or (soon and not runs(vm)) or None

        if soon:
            await vm.soon(more, SOON_SECONDS)
        else:
            await vm.until("further acknowledged records", more, ARRIVE_SECONDS)

    async def look(self) -> None:
        """What has to be so at any time."""
        for vm in self.processes.current():
            if vm.exit_code is not None and not (vm.killed or vm.told_to_quit):
                raise Died(f"{vm.name} ended with {vm.exit_code}")
        if wrong := legal_statuses.illegal(self._statuses()):
            self.notes.surprises.append(wrong)
        if self.source.exit_code is None:
            await self.look_at_guest()
        # One may have been received without the other.
        self.announced(but=1)
        if (self.status == "completed" or self.taken_over()) and not self.guarantees:
            await self._arrived()

    def announced(self, but: int = 0) -> None:
        """`ready` has to be announced each time, `but` so many."""
        announced = [e.name for e in self.source.events].count("MIGRATION_READY")
        entered = self._statuses().count("ready")
        self.notes.check(
            abs(announced - entered) <= but,
            f"status ready was entered {entered} times, and announced {announced} times",
        )

    async def look_at_guest(self) -> None:
        """At most one side may run the guest, and have its disks."""
        destination = self.processes[DESTINATION]
        # One that is frozen would not answer.
        asleep = destination.killed or self.faults.has_frozen(destination)
        there = not asleep and await is_running(destination)
        tells = await self._has_return_path()
        # What has been seen before the guest was seen to run.
        arrived = self.arrived
        info = await self.source.qmp("query-migrate")
        here = await is_running(self.source)
        again = await self.source.qmp("query-migrate")
        ready = info.get("status") == again.get("status") == "ready"
        reason = info.get("status") != "failed" or info.get("error-desc")
        self.notes.check(bool(reason), "a migration has failed without a reason")
        # Without a return path the source can't know.
        unknown = self.disturbed and not tells
        self.split = self.split or (here and there and unknown)
        twice = here and there and not unknown
        self.notes.check(not twice, "the guest runs at both sides")
        back = here and tells and arrived and not self.reclaimed
        self.notes.check(not back, "the guest runs on after it has arrived elsewhere")
        self.notes.check(not (here and ready), "the guest runs in ready")
        against = here and self.stopped
        self.notes.check(not against, "the guest runs, but management has stopped it")
        if there and not (self.split or self.reclaimed or self._took):
            await self._is_inactive()

    async def _is_inactive(self) -> None:
        """The guest runs at the destination: the source must not have its disks."""
        nodes = await self.source.qmp("query-named-block-nodes", flat=True)
        names = {f"disk{i}" for i in self.processes.disks}
        active = [n["node-name"] for n in nodes if n.get("active")]
        for name in names & set(active):
            self.notes.check(False, f"{name} is active at both sides")

    def taken_over(self) -> bool:
        """Whether the guest runs at the destination, though the source can't tell."""
        alive = self.processes[DESTINATION].exit_code is None
        told = self.status == "failed" and self.arrived
        undecided = told and alive and not (self.split or self.reclaimed)
        return self.processes.starts_itself and undecided

    async def _arrived(self) -> None:
        """A migration has completed: what was owed has to be at the destination."""
        events = self.source.events
        end = max(n for n, e in enumerate(events) if is_end(e))
        self.guarantees = {
            i: guarantee(f"m{i}", events[: end + 1], self._job_commands[f"m{i}"])
            for i in self.processes.disks
        }
        self.no_writer(events[: end + 1])
        destination = self.processes[DESTINATION]
        if thrown_away(self.played):
            self.lost = True
        elif not destination.killed:
            with contextlib.suppress(Died):
                await self._end_at(destination)
        for i, owed in self.guarantees.items():
            if owed is Guarantee.OWED:
                # Where the guest runs on already it writes records.
                runs_on = record.REGION_BYTES if self.processes.starts_itself else 0
                self.compare(i, runs_on)
        if any(difference.blocks for difference in self.differences.values()):
            raise Over("the images differ")

    def no_writer(self, events: Sequence[Event]) -> None:
        """A migration has completed: only mirrors may have been left."""
        for name, command in self.made_by.items():
            left = last_status(events, name) in ("running", "paused", "standby")
            well = command == "blockdev-mirror" or not left or self.status == "failed"
            self.notes.check(well, f"completed, though {command} was at work")

    async def _end_at(self, destination: VM) -> None:
        """Wait for the end of the migration there. Is it what the source believes?"""

        def end() -> str | None:
            seen = journey.statuses(destination)[-1:]
            return seen[0] if seen and seen[0] in ("completed", "failed") else None

        end_there = await destination.until("end of migration", end, ARRIVE_SECONDS)
        self.lost = end_there == "failed"
        # Without a return path the source can't know.
        believed = f"the migration has {end_there} there, and {self.status} here"
        tells = await self._has_return_path()
        self.notes.check(not (self.lost and tells), believed)

    async def _has_return_path(self) -> bool:
        capabilities = await self.source.qmp("query-migrate-capabilities")
        return {"capability": "return-path", "state": True} in capabilities

    def compare(self, number: int, start: int = 0) -> None:
        """Compare the images of a disk, from byte `start` on."""
        pair = [self.processes.image(side, number) for side in (SOURCE, DESTINATION)]
        self.differences[number] = disk.compare(*pair, start)

    def moved(self, number: int) -> bool:
        """Whether the guest has gone over to the target of this disk's mirror."""
        job = f"m{number}"
        owed = guarantee(job, self.source.events, self._job_commands[job])
        return owed is Guarantee.MOVED

    async def verdict(self) -> Verdict:
        """End what still runs, and have the oracle judge all that was seen."""
        self.faults.end()
        await self.clients.end()
        await self.processes.kill()
        disks = [
            *(self._disk(i) for i in self.processes.disks),
            *(self._client(i) for i in self.processes.disks),
        ]
        seen = evidence.collect(self.processes.vms, disks, self.notes, [self.source])
        if self._robbed or self.may_fail:
            # A guest can't write to what was taken from it.
            seen = replace(seen, guest_errors=())
        return judge(seen)

    @property
    def may_fail(self) -> bool:
        """Whether the guest went over to a target that was harmed."""
        return self.harmed and any(self.moved(i) for i in self.processes.disks)

    def _disk(self, number: int) -> Disk:
        side = self._side(number)
        # What the guest was told elsewhere has nothing to do with the source's disk.
        vms = [self.source] if side == SOURCE else self.processes.vms
        return Disk(
            name=f"disk{number}",
            number=number,
            image=self.processes.image(side, number) if side else None,
            difference=self.differences.get(number),
            acknowledged=evidence.said(vms).acknowledged.get(number, {}),
            must_match=self.guarantees.get(number) is Guarantee.OWED
            and not self.reclaimed,
            written=False,
        )

    def _client(self, number: int) -> Disk:
        side = self._side(number)
        image = self.processes.image(side, number) if side else None
        return self.clients.disk(number, image)

    def _side(self, number: int) -> str | None:
        """Where the records of a disk have to be; None if QEMU owes none."""
        if self.split:
            return None
        if self.moved(number):
            return DESTINATION
        if not self.guarantees or self.reclaimed:
            return SOURCE
        return None if self.guarantees[number] is Guarantee.NONE else DESTINATION


def is_end(event: Event) -> bool:
    """Whether an event tells that a migration has completed or failed."""
    return event.name == "MIGRATION" and event.data["status"] in ("completed", "failed")


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
    return last_status(vm.events, name)


def last_status(events: Sequence[Event], name: str) -> str:
    """The status of a job after these events."""
    told = [
        e.data["status"]
        for e in events
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
