# SPDX-License-Identifier: GPL-2.0-or-later
"""The block jobs of a source: mirror m<i> copies node disk<i> to node dst<i>."""

from __future__ import annotations

import asyncio
from typing import Any

from . import disk
from .vm import VM

DEADLINE_SECONDS = 20.0
# A link on which a mirror of 64 MiB takes several times as long as a migration of
# the guest's RAM, which takes one to two seconds.
SLOW_LINK = 8 * disk.MIB
# What all mirrors together have in flight: half a second on that link. Each of the
# several drains of a switchover waits for it; with QEMU's own 16 MiB the mirror is
# done before the migration is.
IN_FLIGHT = 4 * disk.MIB
# A mirror of this speed copies 16 MiB (its buffer) at once, then sleeps for 3 s. So
# nothing is in flight when the guest is stopped, and the next write comes when the
# migration is over.
SLOW_JOB = 5 * disk.MIB


class Jobs:
    """Drives the jobs at `source`; `storage` is where their targets are."""

    def __init__(self, source: VM, storage: VM, disks: range) -> None:
        self._source = source
        self._storage = storage
        self._disks = disks

    async def mirror(self, **options: Any) -> None:
        """Start a mirror of each disk to the destination."""
        for i in self._disks:
            await self._source.qmp(
                "blockdev-mirror",
                job_id=f"m{i}",
                device=f"disk{i}",
                target=f"dst{i}",
                sync="full",
                **options,
            )

    async def mirror_slowly(self) -> None:
        """Start the mirrors over a link that is too slow for them."""
        await self.throttle(SLOW_LINK)
        await self.mirror(buf_size=IN_FLIGHT // len(self._disks))

    async def throttle(self, bytes_per_second: int) -> None:
        """Limit the link to the destination's disks, all together; 0: no limit."""
        limits = {"bps-total": bytes_per_second}
        link = {"path": "/objects/link", "property": "limits"}
        await self._storage.qmp("qom-set", **link, value=limits)

    async def finish_copying(self) -> None:
        """Take every limit off, and wait until each mirror is READY."""
        await self.throttle(0)
        for i in self._disks:
            await self._source.qmp("block-job-set-speed", device=f"m{i}", speed=0)
        for i in self._disks:
            await self._wait("BLOCK_JOB_READY", device=f"m{i}")

    async def finish(self) -> None:
        """Bring each mirror in sync, end it without pivoting, drop its target.

        This is what libvirt does: a soft block-job-cancel.
        """
        await self.finish_copying()
        for i in self._disks:
            await self._source.qmp("block-job-cancel", device=f"m{i}")
        for i in self._disks:
            await self._wait("BLOCK_JOB_COMPLETED", device=f"m{i}")
            await self._gone(f"m{i}")
            await self._source.qmp("blockdev-del", node_name=f"dst{i}")

    async def pause(self) -> None:
        """Pause each mirror, as a user does."""
        for i in self._disks:
            await self._source.qmp("job-pause", id=f"m{i}")

    async def resume(self) -> None:
        """Resume each mirror."""
        for i in self._disks:
            await self._source.qmp("job-resume", id=f"m{i}")

    async def statuses(self) -> dict[str, str]:
        """The status of every job, by id."""
        jobs = await self._source.qmp("query-jobs")
        return {job["id"]: job["status"] for job in jobs}

    async def start_spare(self, kind: str) -> None:
        """Start job "spare", slow, from a disk that no guest has to a local file.

        `kind` is "mirror" or "backup".
        """
        add = self._source.qmp
        for name, make in (("spare", disk.make), ("spare-target", disk.make_blank)):
            image = self._source.folder / f"{name}.raw"
            await asyncio.to_thread(make, image)
            file = {"driver": "file", "filename": image.name}
            await add("blockdev-add", node_name=name, **file)
        nodes = {"device": "spare", "target": "spare-target"}
        slow = {"sync": "full", "speed": SLOW_JOB}
        await add(f"blockdev-{kind}", job_id="spare", **nodes, **slow)

    async def cancel_spare(self) -> None:
        """Cancel job "spare" by force and wait until it is gone."""
        await self._source.qmp("block-job-cancel", device="spare", force=True)
        await self._gone("spare")

    async def _gone(self, job: str) -> None:
        await self._wait("JOB_STATUS_CHANGE", id=job, status="null")

    async def _wait(self, event: str, **data: Any) -> None:
        await self._source.wait_event(event, DEADLINE_SECONDS, **data)
