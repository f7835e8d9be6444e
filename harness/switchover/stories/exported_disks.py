# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks of a source that no guest has, and clients of its exports write to."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ..guest import disk
from ..guest.nbdclient import NBDClient
from ..judging import evidence
from ..judging.evidence import Notes
from ..judging.oracle import DiskEvidence
from ..vm.monitor import Event
from ..vm.vm import VM
from .jobs import DEADLINE_SECONDS

SIZE = 4 * disk.MIB
SOCKET = "shared.sock"
# How many more records each client has to have acknowledged to show that it writes.
RECORDS = 3


class Shared:
    """Disk i is node shared<i> on both sides, and so are its export and its mirror.

    Its mirror copies to the NBD server of `storage`, which has to run already.
    """

    def __init__(self, source: VM, storage: VM, notes: Notes) -> None:
        self._source = source
        self._storage = storage
        self._notes = notes
        self._clients: list[NBDClient] = []
        self._differences: dict[int, disk.Difference] = {}

    async def start(self, count: int) -> None:
        """Export and mirror so many disks; all clients write, all mirrors are READY.

        The exports come first: QEMU has one that comes later write below the mirror.
        """
        address = {"type": "unix", "data": {"path": SOCKET}}
        await self._source.qmp("nbd-server-start", addr=address)
        for i in range(count):
            await asyncio.to_thread(disk.make, self._image("source", i), i, SIZE)
            await asyncio.to_thread(disk.make_blank, self._image("target", i), SIZE)
            await self._export(self._source, "source", i)
            await self._connect(i)
            await self._export(self._storage, "target", i)
            await self._mirror(i)
        await self._each("BLOCK_JOB_READY")
        await self.writing()

    async def _each(self, event: str, key: str = "device") -> list[Event]:
        """Wait for an event of each disk."""
        of = [{key: f"shared{i}"} for i in range(len(self._clients))]
        wait = self._source.wait_event
        return [await wait(event, DEADLINE_SECONDS, 0, **data) for data in of]

    def _image(self, side: str, number: int) -> Path:
        return self._source.folder / f"shared-{side}{number}.raw"

    async def _export(self, vm: VM, side: str, number: int) -> None:
        name = f"shared{number}"
        file = {"driver": "file", "filename": self._image(side, number).name}
        await vm.qmp("blockdev-add", node_name=name, **file)
        export = {"type": "nbd", "id": name, "name": name, "writable": True}
        await vm.qmp("block-export-add", node_name=name, **export)

    async def _connect(self, number: int) -> None:
        client = NBDClient(number)
        await client.connect(self._source.folder / SOCKET, f"shared{number}")
        self._clients.append(client)

    async def _mirror(self, number: int) -> None:
        node = {"node_name": f"shared-target{number}", "export": f"shared{number}"}
        server = {"type": "unix", "path": "nbd.sock"}
        await self._source.qmp("blockdev-add", driver="nbd", server=server, **node)
        job = {"job_id": f"shared{number}", "target": f"shared-target{number}"}
        job |= {"device": f"shared{number}", "sync": "full"}
        # So that it is in sync whenever no write is under way.
        await self._source.qmp("blockdev-mirror", copy_mode="write-blocking", **job)

    async def writing(self) -> None:
        """Wait until each client has written more; raises Hang if one does not."""
        wanted = [client.last + RECORDS for client in self._clients]

        async def written() -> bool:
            pairs = zip(self._clients, wanted, strict=True)
            return all(client.last >= last for client, last in pairs)

        what = "further writes of each client"
        await self._source.until_told(what, written, DEADLINE_SECONDS)

    async def end(self) -> None:
        """Let the clients disconnect, and end what exports there are at the source."""
        for client in self._clients:
            await client.end()
        await self._source.qmp("nbd-server-stop")

    async def end_mirrors(self) -> None:
        """End the mirrors as management does, and wait for it."""
        for i in range(len(self._clients)):
            await self._source.qmp("block-job-cancel", device=f"shared{i}")
        await self.mirrors_ended()

    async def mirrors_ended(self) -> None:
        """Wait until the mirrors have ended; notes an error."""
        for event in await self._each("BLOCK_JOB_COMPLETED"):
            if "error" in event.data:
                job = event.data["device"]
                self._notes.errors.append(f"job {job}: {event.data['error']}")

    async def exports_removed(self) -> None:
        """Wait until QEMU has removed the exports, which disconnects the clients."""
        await self._each("BLOCK_EXPORT_DELETED", "id")

    async def compare(self) -> None:
        """Let the clients end, and compare what they have written to."""
        for i, client in enumerate(self._clients):
            await client.end()
            pair = self._image("source", i), self._image("target", i)
            self._differences[i] = await asyncio.to_thread(disk.compare, *pair)

    def disks(self) -> list[DiskEvidence]:
        """What the clients were told is on each one, and what is where it has to be."""
        return [self._disk(i, client) for i, client in enumerate(self._clients)]

    def _disk(self, number: int, client: NBDClient) -> DiskEvidence:
        difference = self._differences.get(number)
        image = self._image("target" if difference else "source", number)
        found = evidence.found(image, number)
        return DiskEvidence(f"shared{number}", difference, client.acknowledged, found)
