# SPDX-License-Identifier: GPL-2.0-or-later
"""The end of a sequence: what was held back is let go, and one side has to go on.

    cancel    a migration under way is cancelled
    complete  management does what is needed for it to complete
    quit      the source is told to quit, whatever it is doing

Here liveness is decided: nothing is in the way any more, so what does not come to an
end hangs. If the guest goes on at the source, mirrors that live have to get in sync.
"""

from __future__ import annotations

from typing import Any

from ..judging.legal_statuses import UNDER_WAY
from ..vm.vm import VM, Died, Hang
from .player import PAUSES, Over, Player, is_running, job_status, runs
from .processes import DESTINATION, LINK, READS, SERVER, SOURCE
from .step import Step, execute

END_SECONDS = 30.0
# A mirror that fails is remembered as long as the migration is in the pause.
ATTEMPTS = 3
# A source that says this leaves it to management who goes on.
UNDECIDED = "everything it needs in order to run"
# What migration-complete says if there was one before.
ALREADY = "already being completed"
ENDED = ("null", "concluded", "aborting")
HOW = ("cancel", "complete", "quit")


class Ending:
    """Plays the last step."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self._processes = player.processes
        self._source = player.source
        # How many events there were when all jobs were told to go on.
        self._resumed = 0

    @property
    def _destination(self) -> VM | None:
        vm = self._processes[DESTINATION]
        return None if vm.killed else vm

    def _servers(self) -> list[str]:
        """The process that has only the NBD server, if there is one."""
        return [SERVER] if self._processes.has_server else []

    async def play(self, step: Step) -> None:
        """Bring the sequence to its end; raises Over."""
        self._player.played.append(step)
        try:
            await self._play(step["finish"])
        except Died as error:
            raise Over(str(error)) from None
        except Hang as error:
            self._player.notes.hang = str(error)
            raise Over(str(error)) from None
        if self._player.notes.surprises:
            raise Over(self._player.notes.surprises[0])

    async def _play(self, how: str) -> None:
        # What is frozen thaws by itself, soon enough for all that is waited for.
        if how == "quit":
            await self._quit()
            return
        await self._let_go()
        if self._player.status in UNDER_WAY:
            await (self._cancel() if how == "cancel" else self._complete())
        await self._player.look()
        self._player.announced()
        if self._player.split or (self._player.lost and not self._player.reclaimed):
            pass
        elif self._player.taken_over():
            await self._taken_over()
        elif self._player.handed_over:
            await self._at_destination()
        elif not self._player.status.startswith("postcopy"):
            await self._at_source()
        await self._quit()

    async def _quit(self) -> None:
        for vm in self._processes.current():
            if not vm.killed:
                await vm.quit()

    async def _try(self, at: str, command: str, /, **arguments: Any) -> bool:
        """Run a command that may be refused; whether it wasn't."""
        return await self._player.execute(execute(at, command, **arguments))

    async def _let_go(self) -> None:
        """Take away what slows down or holds back."""
        no_limits = {"property": "limits", "value": {"bps-total": 0, "iops-read": 0}}
        await self._try(SOURCE, "qom-set", path=f"/objects/{READS}", **no_limits)
        for side in (DESTINATION, *self._servers()):
            await self._try(side, "qom-set", path=f"/objects/{LINK}", **no_limits)
        await self._try(SOURCE, "migrate-set-parameters", max_bandwidth=0)
        self._resumed = len(self._source.events)
        for job in await self._source.qmp("query-block-jobs"):
            await self._try(
                SOURCE, "block-job-set-speed", device=job["device"], speed=0
            )
            await self._try(SOURCE, "job-resume", id=job["device"])

    async def _status(self, *wanted: str) -> None:
        """Wait until the migration has one of these statuses or has ended."""

        def there() -> bool | None:
            status = self._player.status
            return status in wanted or status not in UNDER_WAY or None

        await self._source.until("end of the migration", there, END_SECONDS)

    async def _cancel(self) -> None:
        await self._try(SOURCE, "migrate_cancel")
        await self._status("postcopy-paused")

    async def _complete(self) -> None:
        await self._status("pre-switchover", "ready", "postcopy-paused")
        pause = self._player.status
        if pause in PAUSES and self._player.deactivated:
            # A mirror whose target is inactive is parked.
            await self._try(SOURCE, "blockdev-set-active", active=True)
        if pause == "pre-switchover":
            await self._end_jobs()
            await self._end_exports()
            await self._try(SOURCE, "migrate-continue", state="pre-switchover")
        elif pause == "ready":
            await self._end_jobs(kept="mirror")
            await self._end_exports()
            await self._complete_from_ready()
        await self._status("postcopy-paused")
        if pause in PAUSES:
            self._has_completed_from(pause)

    async def _complete_from_ready(self) -> None:
        """Ask for it, again if a mirror has failed, and cancel if that doesn't help."""
        for _ in range(ATTEMPTS):
            position = len(self._source.events)
            # If it is refused it may go on all the same, because of an earlier one.
            under_way = (
                await self._try(SOURCE, "migration-complete")
                or ALREADY in self._player.notes.errors[-1]
            )
            if under_way:
                await self._leaves_ready(position)
            if self._player.status != "ready":
                break
        else:
            await self._try(SOURCE, "migrate_cancel")

    def _has_completed_from(self, pause: str) -> None:
        """There is nothing but mirrors: unless one has failed, it has to complete."""
        well = self._player.harmed or self._player.status == "completed"
        reason = (self._player.notes.errors or ["no reason"])[-1]
        self._player.notes.check(
            well, f"{self._player.status} from {pause}, because of {reason}"
        )

    async def _leaves_ready(self, position: int) -> None:
        """Wait until it goes on, or has given up to."""

        def there() -> bool | None:
            failed = self._source.monitor.find("MIGRATION_RELEASE_FAILED", position)
            return self._player.status != "ready" or failed is not None or None

        await self._source.until("end of ready", there, END_SECONDS)

    async def _end_jobs(self, kept: str | None = None) -> None:
        """End every job but those of one type: softly if it is a mirror."""
        for job in await self._source.qmp("query-jobs"):
            # One that was parked when the guest was reclaimed stays so.
            if job["type"] == "mirror" and not self._player.reclaimed:
                await self._ready(job["id"])
            if job["type"] == kept:
                if job_status(self._source, job["id"]) == "pending":
                    await self._ended(job["id"])
                continue
            if job["type"] == "mirror":
                await self._end_mirror(job["id"])
            else:
                await self._try(SOURCE, "job-cancel", id=job["id"])
            await self._ended(job["id"])

    async def _end_mirror(self, job: str) -> None:
        """Softly, unless it waits for somebody to see to an error."""
        if not await self._try(SOURCE, "block-job-cancel", device=job):
            await self._try(SOURCE, "block-job-cancel", device=job, force=True)

    async def _ready(self, job: str) -> None:
        """Wait until a mirror that nothing holds back is in sync, or has failed."""
        await self._reached(f"mirror {job} in sync", job, "ready", "pending", *ENDED)

    async def _reached(self, what: str, job: str, *done: str) -> None:
        """Wait until a job has one of these statuses, or has met an error."""

        async def there() -> bool:
            stopped = await self._has_stopped(job)
            return stopped or job_status(self._source, job) in done

        await self._source.until_told(what, there, END_SECONDS)

    async def _has_stopped(self, job: str) -> bool:
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

    async def _ended(self, job: str) -> None:
        """See a job to its end, with what management may have kept for itself."""

        def ended() -> bool | None:
            return job_status(self._source, job) in ENDED or None

        await self._reached(f"end of job {job}", job, "pending", *ENDED)
        if job_status(self._source, job) == "pending":
            await self._try(SOURCE, "job-finalize", id=job)
        elif job_status(self._source, job) not in ENDED:
            await self._try(SOURCE, "block-job-cancel", device=job, force=True)
        await self._source.until(f"end of job {job}", ended, END_SECONDS)
        await self._try(SOURCE, "job-dismiss", id=job)

    async def _end_exports(self) -> None:
        await self._try(SOURCE, "nbd-server-stop")

    async def _at_destination(self) -> None:
        """The destination owns all: mirrors end without error, and the guest runs."""
        position = len(self._source.events)
        for job in await self._source.qmp("query-jobs"):
            await self._try(SOURCE, "block-job-cancel", device=job["id"])
            await self._ended(job["id"])
        for event in self._source.events[position:]:
            if event.name == "BLOCK_JOB_COMPLETED" and "error" in event.data:
                self._player.notes.check(
                    False, f"after completed a job ends with {event.data['error']}"
                )
        for server in self._servers():
            await self._try(server, "nbd-server-stop")
        if self._destination:
            await self._try(DESTINATION, "nbd-server-stop")
            await self._try(DESTINATION, "cont")
            await self._player.records(self._destination)
            await self._player.look()

    async def _taken_over(self) -> None:
        """The guest runs at the destination: the source is of no use any more."""
        await self._source.quit()
        await self._try(DESTINATION, "cont")
        await self._player.records(self._processes[DESTINATION])

    async def _at_source(self) -> None:
        """The guest has to run at the source, and mirrors to get in sync there."""
        if self._player.reclaimed:
            await self._player.records(self._source, soon=True)
            self._player.left_alone()
        if await self._is_undecided() or not await self._goes_on():
            await self._decide()
        elif not self._player.deactivated and not self._player.reclaimed:
            await self._all_active()
        await self._try(SOURCE, "blockdev-set-active", active=True)
        for job in await self._source.qmp("query-jobs"):
            if job["status"] == "pending":
                await self._ended(job["id"])
        await self._try(SOURCE, "cont")
        await self._player.records(self._source, soon=self._player.may_fail)
        if not self._player.reclaimed:
            await self._mirrors_agree()

    async def _is_undecided(self) -> bool:
        """Whether the source leaves it to management who goes on."""
        info = await self._source.qmp("query-migrate")
        return UNDECIDED in info.get("error-desc", "") and not self._player.reclaimed

    async def _goes_on(self) -> bool:
        """Whether the guest runs, or does not because management has stopped it."""

        def there() -> bool | None:
            return runs(self._source) or None

        if self._player.stopped or self._player.reclaimed:
            return True
        await self._source.soon(there, END_SECONDS)
        return await is_running(self._source)

    async def _decide(self) -> None:
        """The guest is stopped: is it for management to decide? It decides for here."""
        info = await self._source.qmp("query-migrate")
        reason = info.get("error-desc", "no reason")
        state = (await self._source.qmp("query-status"))["status"]
        seen = self._player.attempt()
        switched = any(s == "device" or s.startswith("postcopy") for s in seen)
        self._player.notes.check(
            (UNDECIDED in reason and switched) or state == "io-error",
            f"after {info.get('status')} the guest is {state}, because of {reason}",
        )
        if self._destination:
            await self._destination.kill()

    async def _all_active(self) -> None:
        """A migration that has not completed leaves no node inactive."""
        nodes = await self._source.qmp("query-named-block-nodes", flat=True)
        for node in nodes:
            active = node.get("active", True)
            name = node["node-name"]
            self._player.notes.check(active, f"node {name} is inactive at the source")

    async def _mirrors_agree(self) -> None:
        """Let the mirrors that live get in sync, and compare what they have copied."""
        mirrors = []
        for job in await self._source.qmp("query-block-jobs"):
            of_a_disk = job["device"] in (f"m{i}" for i in self._processes.disks)
            if of_a_disk and not await self._has_stopped(job["device"]):
                await self._ready(job["device"])
                mirrors.append(job["device"])
        await self._source.qmp("stop")
        await self._player.clients.end()
        for name in mirrors:
            position = len(self._source.events)
            await self._end_mirror(name)
            await self._ended(name)
            end = self._source.monitor.find(
                "BLOCK_JOB_COMPLETED", position, device=name
            )
            number = int(name.removeprefix("m"))
            if end and "error" not in end.data and not self._player.moved(number):
                self._player.compare(number)
