# SPDX-License-Identifier: GPL-2.0-or-later
"""What has to be so at any time, whatever was done."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from ..guest import record
from ..judging import journey
from ..judging.evidence import Notes
from ..vm.monitor import Event
from ..vm.vm import VM, Died
from .faults import Faults
from .management import Guarantee
from .ownership import Ownership
from .processes import Processes, is_running, last_status

# What a destination has to do once the source is done with it.
ARRIVE_SECONDS = 30.0


class Over(Exception):
    """There is no point in going on."""


class Checks:
    """Looks at the processes, and notes what must not be."""

    def __init__(
        self, processes: Processes, ownership: Ownership, faults: Faults, notes: Notes
    ) -> None:
        self._processes = processes
        self._ownership = ownership
        self._faults = faults
        self._notes = notes

    async def look(self) -> None:
        for vm in self._processes.current.values():
            if vm.exit_code is not None and not (vm.killed or vm.told_to_quit):
                raise Died(f"{vm.name} ended with {vm.exit_code}")
        if wrong := journey.illegal(self._ownership.statuses):
            self._notes.surprises.append(wrong)
        if self._processes.source.exit_code is None:
            await self.one_side_runs()
        # One may have been received without the other.
        self.announced(but=1)
        ended = self._ownership.status == "completed" or self._ownership.taken_over
        if ended and not self._ownership.guarantees:
            await self._arrived()

    def announced(self, but: int = 0) -> None:
        """`ready` has to be announced each time, `but` so many."""
        names = [event.name for event in self._processes.source.events]
        announced = names.count("MIGRATION_READY")
        entered = self._ownership.statuses.count("ready")
        self._notes.check(
            abs(announced - entered) <= but,
            f"status ready was entered {entered} times, announced {announced} times",
        )

    async def one_side_runs(self) -> None:
        """At most one side may run the guest, and have its disks."""
        owner, check = self._ownership, self._notes.check
        source, destination = self._processes.source, self._processes.destination
        # One that is frozen would not answer.
        asleep = destination.killed or self._faults.is_frozen(destination)
        there = not asleep and await is_running(destination)
        tells = await self._has_return_path()
        # What has been seen before the guest was seen to run.
        arrived = owner.arrived
        info = await source.qmp("query-migrate")
        here = await is_running(source)
        again = await source.qmp("query-migrate")
        ready = info.get("status") == again.get("status") == "ready"
        reason = info.get("status") != "failed" or info.get("error-desc")
        check(bool(reason), "a migration has failed without a reason")
        # Without a return path the source can't know.
        unknown = self._faults.disturbed and not tells
        twice = here and there
        owner.split = owner.split or (twice and unknown)
        check(not twice or unknown, "the guest runs at both sides")
        reclaimed = owner.management.has_reclaimed
        back = here and tells and arrived and not reclaimed
        check(not back, "the guest runs on after it has arrived elsewhere")
        check(not (here and ready), "the guest runs in ready")
        against = here and owner.management.has_stopped
        check(not against, "the guest runs, but management has stopped it")
        if there and not (owner.split or reclaimed or owner.management.has_activated):
            await self._is_inactive()

    async def _is_inactive(self) -> None:
        """The guest runs at the destination: the source must not have its disks."""
        nodes = await self._processes.source.qmp("query-named-block-nodes", flat=True)
        active = {n["node-name"] for n in nodes if n.get("active")}
        for name in {f"disk{i}" for i in self._processes.disks} & active:
            self._notes.surprises.append(f"{name} is active at both sides")

    async def _arrived(self) -> None:
        """A migration has completed: what was owed has to be at the destination."""
        owner, events = self._ownership, self._processes.source.events
        end = 1 + max(n for n, e in enumerate(events) if _is_end(e))
        owner.guarantees = {i: owner.guarantee(i, end) for i in self._processes.disks}
        self.no_writer(events[:end])
        if owner.thrown_away:
            owner.lost = True
        elif not self._processes.destination.killed:
            with contextlib.suppress(Died):
                await self._ends_there(self._processes.destination)
        for i, owed in owner.guarantees.items():
            if owed is Guarantee.OWED:
                # Where the guest runs on already it writes records.
                runs_on = self._processes.starts_itself
                owner.compare(i, record.REGION_BYTES if runs_on else 0)
        if any(difference.blocks for difference in owner.differences.values()):
            raise Over("the images differ")

    def no_writer(self, events: Sequence[Event]) -> None:
        """A migration has completed: only mirrors may have been left."""
        for name, command in self._ownership.management.made_by.items():
            left = last_status(events, name) in ("running", "paused", "standby")
            failed = self._ownership.status == "failed"
            well = command == "blockdev-mirror" or not left or failed
            self._notes.check(well, f"completed, though {command} was at work")

    async def _ends_there(self, destination: VM) -> None:
        """Wait for the end of the migration there. Is it what the source believes?"""

        def end() -> str | None:
            seen = journey.statuses(destination)[-1:]
            return seen[0] if seen and seen[0] in ("completed", "failed") else None

        there = await destination.until("end of migration", end, ARRIVE_SECONDS)
        self._ownership.lost = there == "failed"
        # Without a return path the source can't know.
        tells = await self._has_return_path()
        here = self._ownership.status
        believed = f"the migration has {there} there, and {here} here"
        self._notes.check(not (self._ownership.lost and tells), believed)

    async def _has_return_path(self) -> bool:
        capabilities = await self._processes.source.qmp("query-migrate-capabilities")
        return {"capability": "return-path", "state": True} in capabilities


def _is_end(event: Event) -> bool:
    """Whether an event tells that a migration has completed or failed."""
    return event.name == "MIGRATION" and event.data["status"] in ("completed", "failed")
