# SPDX-License-Identifier: GPL-2.0-or-later
"""One migration from a source to a destination."""

from __future__ import annotations

from typing import Any

from .monitor import Event
from .notes import Notes
from .vm import VM

STATUS_SECONDS = 20.0
# The statuses that tell one story from another.
LANDMARKS = ("pre-switchover", "ready", "completed", "failed", "cancelled")


class Migration:
    """One attempt; landmark() follows it from one status that matters to the next."""

    def __init__(self, source: VM, destination: VM, notes: Notes) -> None:
        self._source = source
        self._destination = destination
        self._notes = notes
        self._position = len(source.events)

    async def start(self) -> None:
        """Start it over a socket of the destination's own."""
        path = f"{self._destination.name}.migration"
        address = {"transport": "socket", "type": "unix", "path": path}
        channels = [{"channel-type": "main", "addr": address}]
        await self._destination.qmp(
            "migrate-incoming", channels=channels, exit_on_error=False
        )
        await self._source.qmp("migrate", channels=channels)

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

    def _next(self) -> int | None:
        for number in range(self._position, len(self._source.events)):
            if is_landmark(self._source.events[number]):
                return number
        return None

    async def resume(self) -> str:
        """Go on from `pre-switchover`; the status that this leads to."""
        await self._source.qmp("migrate-continue", state="pre-switchover")
        return await self.landmark()

    async def ready(self) -> None:
        """Wait for `ready`: the guest is stopped and the writers are listed."""
        start = self._position
        status = await self.landmark()
        self._notes.check(status == "ready", f"migration is {status}, not ready")
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
        status = (await self._source.qmp("query-migrate"))["status"]
        self._notes.check(status == "ready", f"status is {status}, not ready any more")


def is_landmark(event: Event) -> bool:
    """Whether an event tells of a status that matters."""
    return event.name == "MIGRATION" and event.data["status"] in LANDMARKS


def journey(source: VM) -> tuple[str, ...]:
    """The statuses that matter of all migrations from a VM, in order."""
    return tuple(e.data["status"] for e in source.events if is_landmark(e))


def downtime(source: VM, destination: VM) -> float | None:
    """From the source's last STOP to the destination's completed, in ms.

    By QEMU's own timestamps: a client reads an event late when many jobs talk.
    """
    stops = [event.time for event in source.events if event.name == "STOP"]
    end = destination.monitor.find("MIGRATION", status="completed")
    return (end.time - stops[-1]) * 1000 if end and stops else None


def describe(writer: dict[str, Any]) -> str:
    """A writer in words: its type, id, node, and a job's status."""
    members = ("type", "job-type", "id", "node-name", "status")
    return " ".join(str(writer[name]) for name in members if name in writer)
