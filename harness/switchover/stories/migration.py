# SPDX-License-Identifier: GPL-2.0-or-later
"""One migration from a source to a destination."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from ..judging.journey import is_landmark, statuses
from ..judging.notes import Notes
from ..vm.pause import PRE_SWITCHOVER, READY
from ..vm.transports import Address, Transport, channels
from ..vm.vm import VM

STATUS_SECONDS = 20.0
# A switchover that waits for nothing is over in less.
WAIT_SECONDS = 0.5
# The kernel tells at once, and where nobody listens there is nothing to wait for.
NOTICE_SECONDS = 10.0
# More than it takes to send the RAM of a guest that has little to do.
PASSES = 8
# The second one begins when the first one is over.
FIRST_PASSES = 2


class Migration:
    """One attempt; landmark() follows it from one status that matters to the next."""

    def __init__(
        self, source: VM, destination: VM, notes: Notes, transport: Transport
    ) -> None:
        self._source = source
        self._destination = destination
        self._notes = notes
        self._transport = transport
        self._position = len(source.events)

    async def start(self) -> None:
        """Start it; a destination that has to listen does so first."""
        if self._transport.descriptor:
            await self._join(self._transport.descriptor)
        if self._transport.live:
            await self._incoming()
        outgoing = self._transport.outgoing or await self._listener()
        await self._source.until_told("end of the last one", self._free, STATUS_SECONDS)
        await self._source.qmp("migrate", channels=channels(outgoing))

    async def _free(self) -> bool:
        """Whether nothing is left of an attempt that has failed; no event tells."""
        instances = await self._source.qmp("query-yank")
        return all(instance["type"] != "migration" for instance in instances)

    async def _join(self, descriptor: str) -> None:
        """Give each side one end of a socket pair."""
        for vm, end in zip((self._source, self._destination), socket.socketpair()):
            with end:
                await vm.give(end.fileno(), descriptor)

    async def _listener(self) -> Address:
        """Where the destination says that it listens."""
        info = await self._destination.qmp("query-migrate")
        return {"transport": "socket", **info["socket-address"][0]}

    async def deliver(self) -> None:
        """After `completed`: hand over the stream if that was not done meanwhile."""
        if not self._transport.live:
            await self._incoming()

    async def _incoming(self) -> None:
        await self._destination.qmp(
            "migrate-incoming",
            channels=channels(self._transport.incoming),
            exit_on_error=False,
        )

    @property
    def status(self) -> str:
        """The status that QEMU told of last."""
        return statuses(self._source)[-1]

    async def active(self) -> None:
        """Wait until RAM is being transferred."""
        await self._status("active")

    async def switches_over(self) -> None:
        """Wait until the state of the devices is being transferred."""
        await self._status("device")

    async def waits(self) -> bool:
        """Wait until it switches over; whether it is no further a while later."""
        await self.switches_over()
        await asyncio.sleep(WAIT_SECONDS)
        return self.status == "device"

    async def ram_is_sent(self) -> None:
        """Wait until the destination has got all of RAM, if it gets it in `ready`."""

        async def sent() -> bool:
            info = await self._source.qmp("query-migrate")
            return not info["ram"]["remaining"]

        if self.status == READY.status:
            await self._source.until_told("end of RAM", sent, STATUS_SECONDS)
            # What is on the way doesn't take longer than a switchover.
            await asyncio.sleep(WAIT_SECONDS)

    async def in_postcopy(self) -> None:
        """Wait until the destination may run."""
        await self._status("postcopy-active")

    async def _status(self, status: str) -> None:
        await self._source.wait_event(
            "MIGRATION", STATUS_SECONDS, self._position, status=status
        )

    async def goes_on(self) -> bool:
        """Let it look at RAM several times; whether the guest still runs then."""
        await self._looks(PASSES)
        state = await self._source.qmp("query-status")
        return bool(state["running"])

    async def converges(self) -> None:
        """Wait until all of RAM has been transferred once, or the guest is stopped."""
        await self._looks(FIRST_PASSES)

    async def _looks(self, count: int) -> None:
        """Wait until it has begun so many passes over RAM, or the guest is stopped."""
        start = self._position

        def looked() -> bool | None:
            events = self._source.events[start:]
            passes = sum(event.name == "MIGRATION_PASS" for event in events)
            stopped = any(event.name == "STOP" for event in events)
            return passes >= count or stopped or None

        await self._source.until("passes over RAM", looked, STATUS_SECONDS)

    async def storage(self) -> dict[str, int]:
        """What query-migrate tells about mirrors; nothing on a QEMU without it."""
        info = await self._source.qmp("query-migrate")
        return info.get("storage", {})

    async def downtime_limit(self) -> int:
        """How long the guest may be stopped, in ms."""
        parameters = await self._source.qmp("query-migrate-parameters")
        return parameters["downtime-limit"]

    async def postcopy(self) -> None:
        """Go over to postcopy as soon as it can."""
        await self.active()
        await self._source.qmp("migrate-start-postcopy")

    async def landmark(self) -> str:
        """Wait for the next status that matters; notes why a migration failed."""
        number = await self._source.until(
            "migration status", self._next, STATUS_SECONDS
        )
        self._position = number + 1
        status = self._source.events[number].data["status"]
        if status == "failed":
            info = await self._source.qmp("query-migrate")
            self._notes.errors.append(info.get("error-desc", "failed, no reason"))
        return status

    async def notices(self) -> bool:
        """Give it time to see what has happened; whether its status tells of it."""
        number = await self._source.soon(self._next, NOTICE_SECONDS)
        return number is not None

    def _next(self) -> int | None:
        for number in range(self._position, len(self._source.events)):
            if is_landmark(self._source.events[number]):
                return number
        return None

    async def pause(self) -> None:
        """Wait for `pre-switchover`."""
        status = await self.landmark()
        self._notes.check(status == "pre-switchover", f"it is {status}, not paused")

    async def cancel(self) -> str:
        """Cancel it; the status that it ends with."""
        await self._source.qmp("migrate_cancel")
        return await self.landmark()

    async def resume(self) -> str:
        """Go on from `pre-switchover`; the status that this leads to."""
        await self.go_on()
        return await self.landmark()

    async def go_on(self) -> None:
        """Go on from `pre-switchover`; wait for nothing."""
        await self._source.qmp("migrate-continue", state="pre-switchover")

    async def ready(self) -> None:
        """Wait for `ready`: the guest is stopped and the writers are listed."""
        start = self._position
        status = await self.landmark()
        self._notes.check(status == "ready", f"migration is {status}, not ready")
        await self._announced(start)

    async def paused(self) -> None:
        """Wait for `ready`, or for `pre-switchover` where there is no better pause."""
        start = self._position
        if await self.landmark() == READY.status:
            await self._announced(start)
        else:
            paused = self.status == PRE_SWITCHOVER.status
            self._notes.check(paused, f"it is {self.status}, not paused")

    async def _announced(self, start: int) -> None:
        """Note the writers that MIGRATION_READY lists, as query-migrate has to."""
        event = await self._source.wait_event("MIGRATION_READY", STATUS_SECONDS, start)
        state = await self._source.qmp("query-status")
        self._notes.check(not state["running"], "the guest runs in ready")
        announced = sorted(describe(writer) for writer in event.data["writers"])
        info = await self._source.qmp("query-migrate")
        listed = sorted(describe(writer) for writer in info.get("writers", []))
        self._notes.check(
            listed == announced,
            f"query-migrate lists {listed}, MIGRATION_READY {announced}",
        )
        self._notes.writers += announced

    async def still_ready(self) -> None:
        """Note a surprise if it has left `ready`."""
        await self.still(READY.status)

    async def still(self, status: str) -> None:
        """Note a surprise if its status is another one by now."""
        now = (await self._source.qmp("query-migrate"))["status"]
        self._notes.check(now == status, f"status is {now}, not {status} any more")

    async def release(self) -> bool:
        """Go on from the pause with jobs and exports as they are; wait for nothing.

        Whether QEMU sees to them: it can't from `pre-switchover`.
        """
        if self.status != READY.status:
            await self.go_on()
            return False
        await self._source.qmp("migration-complete", release=True)
        return True

    async def release_failed(self) -> None:
        """Wait until QEMU has given up to release storage; notes why."""
        event = await self._source.wait_event(
            "MIGRATION_RELEASE_FAILED", STATUS_SECONDS, self._position
        )
        self._notes.errors.append(event.data["error"])
        info = await self._source.qmp("query-migrate")
        self._notes.check(
            info.get("release-error") == event.data["error"],
            f"release-error is {info.get('release-error')!r}",
        )
        await self.still_ready()


def describe(writer: dict[str, Any]) -> str:
    """A writer in words: its type, id, node, and a job's status."""
    members = ("type", "job-type", "id", "node-name", "status")
    return " ".join(str(writer[name]) for name in members if name in writer)
