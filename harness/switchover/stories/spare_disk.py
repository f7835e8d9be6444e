# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk of the source that no guest has, and what may write there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from ..guest import disk
from ..judging.evidence import Notes
from ..qemu.build import Build
from ..vm.vm import VM
from .jobs import DEADLINE_SECONDS, SLOW_JOB


class Spare:
    """Node "spare"; what is done with it has that name, too."""

    def __init__(self, source: VM, build: Build, notes: Notes) -> None:
        self._source = source
        self._build = build
        self._notes = notes

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
        await self._reaches("spare", "null")

    async def _reaches(self, job: str, status: str) -> None:
        await self._source.wait_event(
            "JOB_STATUS_CHANGE", DEADLINE_SECONDS, id=job, status=status
        )

    async def save_snapshot(self) -> None:
        """Save the state of the guest to a new image; notes an error.

        Its own disks are raw: there only its state can be saved.
        """
        vm, file = self._source, "snapshot.qcow2"
        create = ("create", "-q", "-f", "qcow2", file, "1M")
        await asyncio.to_thread(self._build.qemu_img, *create, cwd=vm.folder)
        node = {"driver": "qcow2", "file": {"driver": "file", "filename": file}}
        await vm.qmp("blockdev-add", node_name="snapshot", **node)
        where = {"tag": "state", "vmstate": "snapshot", "devices": ["snapshot"]}
        await vm.qmp("snapshot-save", job_id="snapshot", **where)
        await self._reaches("snapshot", "concluded")
        jobs = {job["id"]: job for job in await vm.qmp("query-jobs")}
        await vm.qmp("job-dismiss", id="snapshot")
        await vm.qmp("blockdev-del", node_name="snapshot")
        if error := jobs["snapshot"].get("error"):
            self._notes.errors.append(f"snapshot: {error}")

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
