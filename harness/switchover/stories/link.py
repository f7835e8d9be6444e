# SPDX-License-Identifier: GPL-2.0-or-later
"""The connection from a source to the disks of its destination: NBD, throttled."""

from __future__ import annotations

from ..vm.vm import VM

SOCKET = "nbd.sock"


class Link:
    """Exports disk<i> of `storage`; at the source it is node dst<i>.

    If it is not `throttled`, nothing is between export and disk.
    """

    def __init__(
        self, source: VM, storage: VM, disks: range, throttled: bool = True
    ) -> None:
        self._source = source
        self._storage = storage
        self._disks = disks
        self._throttled = throttled
        self._serves = False

    async def connect(self) -> None:
        """Export the disks and add them at the source."""
        await self.export()
        for i in self._disks:
            await self._add(i)

    async def reconnect(self) -> None:
        """The same once more, after disconnect() and with all mirrors gone."""
        await self._serve()
        for i in self._disks:
            await self._source.qmp("blockdev-del", node_name=f"dst{i}")
            await self._add(i)

    async def export(self) -> None:
        """Export the disks."""
        if self._throttled:
            group = {"qom_type": "throttle-group", "id": "link"}
            await self._storage.qmp("object-add", **group)
            for i in self._disks:
                node = {"node_name": f"throttle{i}", "file": f"disk{i}"}
                throttle = {"driver": "throttle", "throttle_group": "link", **node}
                await self._storage.qmp("blockdev-add", **throttle)
        await self._serve()

    async def _serve(self) -> None:
        address = {"type": "unix", "data": {"path": SOCKET}}
        await self._storage.qmp("nbd-server-start", addr=address)
        self._serves = True
        for i in self._disks:
            export = {"id": f"export{i}", "name": f"disk{i}", "writable": True}
            node = f"throttle{i}" if self._throttled else f"disk{i}"
            await self._storage.qmp(
                "block-export-add", type="nbd", node_name=node, **export
            )

    async def _add(self, number: int) -> None:
        server = {"type": "unix", "path": SOCKET}
        node = {"node_name": f"dst{number}", "export": f"disk{number}"}
        await self._source.qmp("blockdev-add", driver="nbd", server=server, **node)

    async def throttle(self, bytes_per_second: int) -> None:
        """Limit it, all disks together; 0: no limit."""
        limits = {"bps-total": bytes_per_second}
        group = {"path": "/objects/link", "property": "limits"}
        await self._storage.qmp("qom-set", **group, value=limits)

    async def disconnect(self) -> None:
        """End the NBD server; the source's requests to it fail from now on."""
        if self._serves:
            self._serves = False
            await self._storage.qmp("nbd-server-stop")
