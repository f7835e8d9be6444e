# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk of the source that no guest has, and what may write there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from ..guest import disk
from ..vm.vm import VM
from .jobs import DEADLINE_SECONDS, SLOW_JOB


class Spare:
    """Node "spare"; what is done with it has that name, too."""

    def __init__(self, source: VM) -> None:
        self._source = source

    async def start(self, kind: str) -> None:
        """Start a slow job that copies it to a local file: "mirror" or "backup"."""
        await self._add("spare", disk.make)
        await self._add("spare-target", disk.make_blank)
        nodes = {"device": "spare", "target": "spare-target"}
        slow = {"sync": "full", "speed": SLOW_JOB}
        await self._source.qmp(f"blockdev-{kind}", job_id="spare", **nodes, **slow)

    async def cancel(self) -> None:
        """Cancel that job by force and wait until it is gone."""
        await self._source.qmp("block-job-cancel", device="spare", force=True)
        await self._source.wait_event(
            "JOB_STATUS_CHANGE", DEADLINE_SECONDS, id="spare", status="null"
        )

    async def export(self) -> None:
        """Export it, writable; nobody has to use that."""
        await self._add("spare", disk.make_blank)
        address = {"type": "unix", "data": {"path": "spare.sock"}}
        await self._source.qmp("nbd-server-start", addr=address)
        export = {"type": "nbd", "node_name": "spare", "writable": True}
        await self._source.qmp("block-export-add", id="spare", **export)

    async def end_export(self) -> None:
        """End that export."""
        await self._source.qmp("nbd-server-stop")

    async def _add(self, name: str, make: Callable[[Path], None]) -> None:
        """Make an image and add it as a node."""
        image = self._source.folder / f"{name}.raw"
        await asyncio.to_thread(make, image)
        file = {"driver": "file", "filename": image.name}
        await self._source.qmp("blockdev-add", node_name=name, **file)
