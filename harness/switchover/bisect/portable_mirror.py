# SPDX-License-Identifier: GPL-2.0-or-later
"""The mirror of a source of any age: its one job, at "disk0"."""

from __future__ import annotations

from typing import Any

from ..guest import disk
from ..vm.vm import VM, Hang, Refused
from .dialect import Dialect, Unsuitable
from .link import Link

SECONDS = 60.0
LINK = "link.sock"
# Slow enough that a migration without a guest is over long before the copy.
SLOW_JOB = 8 * disk.MIB
SLOW_LINK = 4 * disk.MIB
# A drain waits for what is in flight, so the mirror has to be further behind.
IN_FLIGHT = disk.MIB
BEHIND = 8 * disk.MIB
ENDS = ("BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED")


class PortableMirror:
    """Copies the disk of `source`, over `link` if it is to the destination.

    What goes wrong is appended to `errors`.
    """

    def __init__(
        self, source: VM, dialect: Dialect, link: Link, errors: list[str]
    ) -> None:
        self._source = source
        self._dialect = dialect
        self._link = link
        self._errors = errors

    async def start(self, target: str, **options: Any) -> None:
        """Start to mirror to a file or NBD export that is there."""
        self._dialect.need("drive-mirror")
        where = {"device": "disk0", "target": target, "format": "raw"}
        how = {"mode": "existing", "sync": "full"}
        await self._source.qmp("drive-mirror", **where, **how, **options)

    async def start_to_destination(self, **options: Any) -> None:
        """Start to mirror to the destination's disk."""
        await self.start(f"nbd:unix:{LINK}:exportname=disk0", **options)

    async def start_to_node(self, target: str, **options: Any) -> None:
        """Start to mirror to a file that is added as a node before."""
        self._dialect.need("blockdev-add", "blockdev-mirror")
        await self._source.qmp("blockdev-add", **self._dialect.add_file("dst", target))
        # Since 2.7; before, and with drive-mirror, it is the device's name.
        takes_id = self._dialect.takes("blockdev-mirror", "job-id")
        job = {"job_id": "disk0"} if takes_id else {}
        where = {"device": "disk0", "target": "dst", "sync": "full"}
        await self._source.qmp("blockdev-mirror", **where, **job, **options)

    async def is_ready(self) -> None:
        """Wait until it is READY."""
        await self._source.wait_event("BLOCK_JOB_READY", SECONDS, device="disk0")

    async def fall_behind(self) -> None:
        """Slow the link down, and wait until the guest is well ahead of it."""
        self._link.rate = SLOW_LINK

        async def is_behind() -> bool:
            (job,) = await self._source.qmp("query-block-jobs")
            return bool(job["len"] - job["offset"] >= BEHIND)

        try:
            await self._source.until_told("mirror behind", is_behind, SECONDS)
        except Hang:
            raise Unsuitable("the guest writes no faster than the link is") from None

    async def full_speed(self) -> None:
        """Take every limit off it."""
        self._link.rate = 0
        await self._source.qmp("block-job-set-speed", device="disk0", speed=0)

    async def stop(self) -> None:
        """End it without pivoting, and wait for its end; notes an error."""
        try:
            await self._source.qmp("block-job-cancel", device="disk0")
        except Refused as error:
            self._errors.append(str(error))
            return
        await self.ends()

    async def ends(self) -> None:
        """Wait for its end; notes its error."""

        def ended() -> dict[str, Any] | None:
            for event in self._source.events:
                if event.name in ENDS and event.data["device"] == "disk0":
                    return event.data
            return None

        data = await self._source.until("end of the mirror", ended, SECONDS)
        if "error" in data:
            self._errors.append(data["error"])
