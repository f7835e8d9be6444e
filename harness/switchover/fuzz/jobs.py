# SPDX-License-Identifier: GPL-2.0-or-later
"""The source's jobs at the end of a sequence: told to go on, and seen to their end."""

from __future__ import annotations

from functools import partial

from .player import Player
from .processes import SOURCE, last_status

END_SECONDS = 30.0
ENDED = ("null", "concluded", "aborting")


class Jobs:
    """Nothing is in their way any more: what does not come to an end hangs."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self._source = player.processes.source
        self._try = partial(player.command, SOURCE)
        # How many events there were when all were told to go on.
        self._resumed = 0

    async def resume(self) -> None:
        """Have all of them go on, as fast as they can."""
        self._resumed = len(self._source.events)
        for job in await self._source.qmp("query-block-jobs"):
            await self._try("block-job-set-speed", device=job["device"], speed=0)
            await self._try("job-resume", id=job["device"])

    def status(self, job: str) -> str:
        """The status of a job, by the last event."""
        return last_status(self._source.events, job)

    async def end_all(self, kept: str | None = None) -> None:
        """End every job but those of one type: softly if it is a mirror."""
        for job in await self._source.qmp("query-jobs"):
            name, mirror = job["id"], job["type"] == "mirror"
            # One that was parked when the guest was reclaimed stays so.
            if mirror and not self._player.ownership.management.has_reclaimed:
                await self.ready(name)
            if job["type"] != kept:
                await self.end(name, mirror)
            elif self.status(name) == "pending":
                await self.ended(name)

    async def end(self, job: str, mirror: bool = True) -> None:
        """Softly if it is a mirror, unless it waits for somebody to see to an error."""
        if not mirror:
            await self._try("job-cancel", id=job)
        elif not await self._try("block-job-cancel", device=job):
            await self._try("block-job-cancel", device=job, force=True)
        await self.ended(job)

    async def ready(self, job: str) -> None:
        """Wait until a mirror that nothing holds back is in sync, or has failed."""
        await self._reached(f"mirror {job} in sync", job, "ready")

    async def _reached(self, what: str, job: str, *done: str) -> None:
        """Wait until a job is so far, or has met an error."""

        async def there() -> bool:
            stopped = await self.has_stopped(job)
            return stopped or self.status(job) in (*done, "pending", *ENDED)

        await self._source.until_told(what, there, END_SECONDS)

    async def has_stopped(self, job: str) -> bool:
        """Whether a job has met an error, and waits for somebody to see to it.

        Its io-status doesn't tell: `cont` makes it "ok". Nor do events: a timer that
        comes late has a job run that still waits, and in a drained section it pauses.
        """
        failed = any(
            event.matches("BLOCK_JOB_ERROR", device=job, action="stop")
            for event in self._source.events[self._resumed :]
        )
        jobs = await self._source.qmp("query-block-jobs")
        return failed and any(one["device"] == job and one["paused"] for one in jobs)

    async def ended(self, job: str) -> None:
        """See a job to its end, with what management may have kept for itself."""
        await self._reached(f"end of job {job}", job)
        if self.status(job) == "pending":
            await self._try("job-finalize", id=job)
        elif self.status(job) not in ENDED:
            await self._try("block-job-cancel", device=job, force=True)
        await self._source.until(
            f"end of job {job}", lambda: self.status(job) in ENDED or None, END_SECONDS
        )
        await self._try("job-dismiss", id=job)
