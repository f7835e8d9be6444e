# SPDX-License-Identifier: GPL-2.0-or-later
"""The block jobs of a source: mirror m<i> copies node disk<i> to node dst<i>."""

from __future__ import annotations

from typing import Any

from ..guest import disk
from ..judging.evidence import Notes
from ..vm.monitor import Event
from ..vm.vm import VM
from .link import SOCKET, Link

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
# Reads per second of the source's disks with which mirrors can't keep up: they copy
# 32 KiB while the guest writes 240. On a slow link a drain would wait for what is in
# flight, and what unpatched QEMU does afterwards would be a matter of luck; a drain
# lets throttled reads through at once, and the next one comes half a second later.
SLOW_READS = 2
SMALL_REQUESTS = {"granularity": 4096, "buf_size": 16 << 10}
# With as many, they copy 160 KiB a second: still less than the guest writes, but if
# its writes went to the target at once, they would catch up in a few seconds.
SLOWISH_READS = 10
# How far behind the mirrors have to be together: several times what the drains of a
# switchover let through.
BEHIND = 192 << 10


class Jobs:
    """Drives the jobs at `source`, whose targets are at the end of `link`."""

    def __init__(self, source: VM, link: Link, disks: range, notes: Notes) -> None:
        self._source = source
        self._link = link
        self._disks = disks
        self._notes = notes
        # Events from this number on are about the newest mirrors.
        self._since = 0

    async def mirror(self, **options: Any) -> None:
        """Start a mirror of each disk to its node at the destination."""
        await self._mirror("blockdev-mirror", "dst{}", **options)

    async def _mirror(self, command: str, target: str, **options: Any) -> None:
        self._since = len(self._source.events)
        for i in self._disks:
            nodes = {"device": f"disk{i}", "target": target.format(i)}
            job = {"job_id": f"m{i}", **nodes, "sync": "full"}
            await self._source.qmp(command, **job, **options)

    async def mirror_slowly(self) -> None:
        """Start the mirrors over a link that is too slow for them."""
        await self._link.throttle(SLOW_LINK)
        await self.mirror(buf_size=IN_FLIGHT // len(self._disks))

    async def drive_mirror_until_ready(self) -> None:
        """Start mirrors that open and close their targets themselves; until READY."""
        target = f"nbd:unix:{SOCKET}:exportname=disk{{}}"
        await self._mirror("drive-mirror", target, format="raw", mode="existing")
        await self._are_ready()

    async def mirror_until_ready(self, **options: Any) -> None:
        """Start the mirrors and wait until each is READY."""
        await self.mirror(**options)
        await self._are_ready()

    async def fall_behind(self) -> None:
        """Slow the mirrors down until the guest's writes have put each one behind."""
        await self._read_limit(SLOW_READS)
        await self.are_behind(BEHIND // len(self._disks))

    async def are_behind(self, each: int, deadline: float = DEADLINE_SECONDS) -> None:
        """Wait until each mirror has so many bytes left; `deadline` is in seconds."""

        async def behind() -> bool:
            return min((await self.remaining()).values()) >= each

        await self._source.until_told("mirror that is behind", behind, deadline)

    async def fall_behind_slowly(self) -> None:
        """Slow the mirrors down no more than is needed not to keep up."""
        await self._read_limit(SLOWISH_READS)

    async def catch_up(self) -> None:
        """Let the mirrors go on at full speed; do not wait for them."""
        await self._read_limit(0)
        # Reads that are held back already are not told of it; a drain lets them go.
        await self._source.qmp("transaction", actions=[])

    async def _read_limit(self, per_second: int) -> None:
        limits = {"iops-read": per_second}
        reads = {"path": "/objects/reads", "property": "limits"}
        await self._source.qmp("qom-set", **reads, value=limits)

    async def remaining(self) -> dict[str, int]:
        """The bytes that each job has left, by id."""
        jobs = await self._source.qmp("query-block-jobs")
        return {job["device"]: job["len"] - job["offset"] for job in jobs}

    async def finish_copying(self) -> None:
        """Take every limit off, and wait until each mirror is READY."""
        await self._link.throttle(0)
        for i in self._disks:
            await self._source.qmp("block-job-set-speed", device=f"m{i}", speed=0)
        await self._are_ready()

    async def _are_ready(self) -> None:
        for i in self._disks:
            await self._wait("BLOCK_JOB_READY", device=f"m{i}")

    async def finish(self) -> None:
        """Bring each mirror in sync, end it without pivoting, drop its target.

        This is what libvirt does: a soft block-job-cancel.
        """
        await self.finish_copying()
        await self.end()

    async def end(self) -> None:
        """End each mirror without pivoting, drop its target; notes errors."""
        await self.cancel()
        await self.ended()

    async def cancel(self, **options: Any) -> None:
        """Tell each mirror to end without pivoting; do not wait for it."""
        for i in self._disks:
            await self._source.qmp("block-job-cancel", device=f"m{i}", **options)

    async def ended(self) -> None:
        """Wait until each mirror has ended, and drop its target; notes errors."""
        for i in self._disks:
            event = await self._wait("BLOCK_JOB_COMPLETED", device=f"m{i}")
            if "error" in event.data:
                self._notes.errors.append(f"job m{i}: {event.data['error']}")
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

    async def cancel_by_force(self) -> None:
        """End each mirror with whatever it has left to copy, and wait for it."""
        await self.cancel(force=True)
        for i in self._disks:
            await self._wait("BLOCK_JOB_CANCELLED", device=f"m{i}")

    async def broken(self) -> None:
        """Wait until each mirror has ended with an error."""
        for i in self._disks:
            event = await self._wait("BLOCK_JOB_COMPLETED", device=f"m{i}")
            self._notes.check("error" in event.data, f"m{i} ended without error")
            await self._gone(f"m{i}")

    async def _gone(self, job: str) -> None:
        await self._wait("JOB_STATUS_CHANGE", id=job, status="null")

    async def _wait(self, event: str, **data: Any) -> Event:
        return await self._source.wait_event(
            event, DEADLINE_SECONDS, self._since, **data
        )
