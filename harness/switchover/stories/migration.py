# SPDX-License-Identifier: GPL-2.0-or-later
"""One migration from a source to a destination."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from ..judging.evidence import Notes
from ..judging.journey import is_landmark, statuses
from ..vm.pause import PRE_SWITCHOVER, READY, Pause
from ..vm.transports import Address, Transport, channels
from ..vm.vm import VM, Died

STATUS_SECONDS = 20.0
# The kernel tells at once, and where nobody listens there is nothing to wait for.
NOTICE_SECONDS = 10.0
# More than it takes to send the RAM of a guest that has little to do.
PASSES = 8
# The drains of a switchover may let through one read that is held back.
COPIES = 2
# The events that tell how far it is.
PROGRESS = ("MIGRATION", "MIGRATION_PASS")
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
        sides = (self._source, self._destination)
        for vm, end in zip(sides, socket.socketpair(), strict=True):
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

    async def reaches(self, status: str) -> None:
        """Wait until it gets into this status, which may not be its last one."""
        await self._source.wait_event(
            "MIGRATION", STATUS_SECONDS, self._position, status=status
        )

    async def waits(self, remaining: Callable[[], Awaitable[dict[str, int]]]) -> bool:
        """Wait until it switches over; whether mirrors still copy meanwhile.

        If it waits for nothing, the last pass over RAM begins before those that are
        made to read slowly have copied something again and again; `remaining` tells
        how many bytes each has left.
        """
        await self.reaches("device")
        left: set[int] = set()

        async def decided() -> bool:
            left.add(sum((await remaining()).values()))
            return len(left) > COPIES or not self._in_device()

        with contextlib.suppress(Died):
            await self._source.until_told("end of a wait", decided, STATUS_SECONDS)
        return self._in_device()

    def _in_device(self) -> bool:
        """Whether it has got no further than into that status."""
        progress = [event for event in self._source.events if event.name in PROGRESS]
        return progress[-1].data.get("status") == "device"

    async def ram_is_sent(self) -> None:
        """Wait until all of RAM is on its way, if it is sent in `ready`."""
        sent = -1

        async def nothing_more() -> bool:
            nonlocal sent
            before = sent
            ram = (await self._source.qmp("query-migrate"))["ram"]
            sent = ram["transferred"]
            return not ram["remaining"] and sent == before

        if self.status == READY.status:
            await self._source.until_told("end of RAM", nothing_more, STATUS_SECONDS)

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

    async def postcopy(self) -> None:
        """Go over to postcopy as soon as it can."""
        await self.reaches("active")
        await self._source.qmp("migrate-start-postcopy")

    async def landmark(self) -> str:
        """Wait for the next status that matters; notes why a migration failed."""
        number = await self._source.until(
            "migration status", self._next, STATUS_SECONDS
        )
        self._position = number + 1
        status: str = self._source.events[number].data["status"]
        if status == "failed":
            info = await self._source.qmp("query-migrate")
            self._notes.errors.append(info.get("error-desc", "failed, no reason"))
        return status

    async def notices(self) -> bool:
        """Give it time to see what has happened; whether its status tells of it."""
        number = await self._source.soon(self._next, NOTICE_SECONDS)
        return number is not None

    def _next(self) -> int | None:
        later = enumerate(self._source.events[self._position :], self._position)
        return next((number for number, event in later if is_landmark(event)), None)

    async def cancel(self) -> str:
        """Cancel it; the status that it ends with."""
        await self._source.qmp("migrate_cancel")
        return await self.landmark()

    async def go_on(self) -> None:
        """Go on from `pre-switchover`; wait for nothing."""
        await self._source.qmp("migrate-continue", state="pre-switchover")

    async def paused(self, *pauses: Pause) -> None:
        """Wait for such a pause; if it is `ready`, note the writers that are listed."""
        start = self._position
        status = await self.landmark()
        wanted = [pause.status for pause in pauses or (READY, PRE_SWITCHOVER)]
        self._notes.check(status in wanted, f"migration is {status}, not {wanted}")
        if status == READY.status:
            await self._announced(start)

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
        await self.still(READY.status)


def describe(writer: dict[str, Any]) -> str:
    """A writer in words: its type, id, node, and a job's status."""
    members = ("type", "job-type", "id", "node-name", "status")
    return " ".join(str(writer[name]) for name in members if name in writer)
