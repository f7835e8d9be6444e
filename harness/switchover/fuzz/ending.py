# SPDX-License-Identifier: GPL-2.0-or-later
"""The end of a sequence: what was held back is let go, and one side has to go on.

    cancel    a migration under way is cancelled
    complete  management does what is needed for it to complete
    quit      the source is told to quit, whatever it is doing

Here liveness is decided: nothing is in the way any more, so what does not come to an
end hangs. If the guest goes on at the source, mirrors that live have to get in sync.
"""

from __future__ import annotations

from ..judging.journey import UNDER_WAY
from .jobs import END_SECONDS, Jobs
from .player import PAUSES, Player
from .processes import DESTINATION, LINK, READS, SOURCE, is_running, runs
from .step import Step

# A mirror that fails is remembered as long as the migration is in the pause.
ATTEMPTS = 3
# A source that says this leaves it to management who goes on.
UNDECIDED = "everything it needs in order to run"
# What migration-complete says if there was one before.
ALREADY = "already being completed"
HOW = ("cancel", "complete", "quit")


class Ending:
    """Plays the last step."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self._processes = player.processes
        self._source = player.processes.source
        self._ownership = player.ownership
        self._management = player.ownership.management
        self._notes = player.notes
        self._jobs = Jobs(player)
        self._try = player.command

    @property
    def _status(self) -> str:
        return self._ownership.status

    async def play(self, step: Step) -> None:
        """Bring the sequence to its end, unless it is over already."""
        self._player.played.append(step)
        if self._player.over:
            return
        with self._player.ends():
            await self._play(step["finish"])

    async def _play(self, how: str) -> None:
        # What is frozen thaws by itself, soon enough for all that is waited for.
        if how != "quit":
            await self._comes_to_an_end(how)
        for vm in self._processes.current.values():
            if not vm.killed:
                await vm.quit()

    async def _comes_to_an_end(self, how: str) -> None:
        await self._let_go()
        if self._status in UNDER_WAY and how == "cancel":
            await self._try(SOURCE, "migrate_cancel")
            await self._leaves()
        elif self._status in UNDER_WAY:
            await self._complete()
        await self._player.checks.look()
        self._player.checks.announced()
        reclaimed = self._management.has_reclaimed
        if self._ownership.split or (self._ownership.lost and not reclaimed):
            pass
        elif self._ownership.taken_over:
            # The source is of no use any more.
            await self._source.quit()
            await self._goes_on_there()
        elif self._ownership.handed_over:
            await self._at_destination()
        elif not self._status.startswith("postcopy"):
            await self._at_source()

    async def _let_go(self) -> None:
        """Take away what slows down or holds back."""
        no_limits = {"property": "limits", "value": {"bps-total": 0, "iops-read": 0}}
        await self._try(SOURCE, "qom-set", path=f"/objects/{READS}", **no_limits)
        for side in sorted({DESTINATION, self._processes.server}):
            await self._try(side, "qom-set", path=f"/objects/{LINK}", **no_limits)
        await self._try(SOURCE, "migrate-set-parameters", max_bandwidth=0)
        await self._jobs.resume()

    async def _leaves(self, *wanted: str) -> None:
        """Wait until it has one of these statuses, or gets no further by itself."""
        done = (*wanted, "postcopy-paused")

        def there() -> bool | None:
            return self._status in done or self._status not in UNDER_WAY or None

        await self._source.until("end of the migration", there, END_SECONDS)

    async def _complete(self) -> None:
        await self._leaves(*PAUSES)
        pause = self._status
        if pause not in PAUSES:
            return
        if self._management.has_deactivated:
            # A mirror whose target is inactive is parked.
            await self._try(SOURCE, "blockdev-set-active", active=True)
        await self._jobs.end_all(kept="mirror" if pause == "ready" else None)
        await self._try(SOURCE, "nbd-server-stop")
        if pause == "ready":
            await self._complete_from_ready()
        else:
            await self._try(SOURCE, "migrate-continue", state=pause)
        await self._leaves()
        # There is nothing but mirrors: unless one has failed, it has to complete.
        well = self._player.faults.harmed or self._status == "completed"
        reason = (self._notes.errors or ["no reason"])[-1]
        self._notes.check(well, f"{self._status} from {pause}, because of {reason}")

    async def _complete_from_ready(self) -> None:
        """Ask for it, again if a mirror has failed, and cancel if that doesn't help."""
        for _ in range(ATTEMPTS):
            position = len(self._source.events)
            # If it is refused it may go on all the same, because of an earlier one.
            under_way = (
                await self._try(SOURCE, "migration-complete")
                or ALREADY in self._notes.errors[-1]
            )
            if under_way:
                await self._leaves_ready(position)
            if self._status != "ready":
                break
        else:
            await self._try(SOURCE, "migrate_cancel")

    async def _leaves_ready(self, position: int) -> None:
        """Wait until it goes on, or has given up to."""

        def there() -> bool | None:
            failed = self._source.monitor.find("MIGRATION_RELEASE_FAILED", position)
            return self._status != "ready" or failed is not None or None

        await self._source.until("end of ready", there, END_SECONDS)

    async def _at_destination(self) -> None:
        """The destination owns all: mirrors end without error, and the guest runs."""
        position = len(self._source.events)
        for job in await self._source.qmp("query-jobs"):
            await self._try(SOURCE, "block-job-cancel", device=job["id"])
            await self._jobs.ended(job["id"])
        for event in self._source.events[position:]:
            if event.name == "BLOCK_JOB_COMPLETED" and "error" in event.data:
                error = f"after completed a job ends with {event.data['error']}"
                self._notes.surprises.append(error)
        for side in sorted({DESTINATION, self._processes.server}):
            await self._try(side, "nbd-server-stop")
        await self._goes_on_there()

    async def _goes_on_there(self) -> None:
        destination = self._processes.destination
        if not destination.killed:
            await self._try(DESTINATION, "cont")
            await self._player.records(destination)
            await self._player.checks.look()

    async def _at_source(self) -> None:
        """The guest has to run at the source, and mirrors to get in sync there."""
        reclaimed = self._management.has_reclaimed
        if reclaimed:
            await self._player.records(self._source, soon=True)
            written = self._ownership.written_since
            again = "after completed a mirror has written once more"
            self._notes.check(not written, again)
        if await self._is_undecided() or not await self._goes_on():
            await self._decide()
        elif not self._management.has_deactivated and not reclaimed:
            await self._all_active()
        await self._try(SOURCE, "blockdev-set-active", active=True)
        for job in await self._source.qmp("query-jobs"):
            if job["status"] == "pending":
                await self._jobs.ended(job["id"])
        await self._try(SOURCE, "cont")
        await self._player.records(self._source, soon=self._player.may_fail)
        if not self._management.has_reclaimed:
            await self._mirrors_agree()

    async def _is_undecided(self) -> bool:
        """Whether the source leaves it to management who goes on."""
        info = await self._source.qmp("query-migrate")
        undecided = UNDECIDED in info.get("error-desc", "")
        return undecided and not self._management.has_reclaimed

    async def _goes_on(self) -> bool:
        """Whether the guest runs, or does not because management has stopped it."""
        if self._management.has_stopped or self._management.has_reclaimed:
            return True
        await self._source.soon(lambda: runs(self._source) or None, END_SECONDS)
        return await is_running(self._source)

    async def _decide(self) -> None:
        """The guest is stopped: is it for management to decide? It decides for here."""
        info = await self._source.qmp("query-migrate")
        reason = info.get("error-desc", "no reason")
        state = (await self._source.qmp("query-status"))["status"]
        seen = self._ownership.attempt
        switched = any(s == "device" or s.startswith("postcopy") for s in seen)
        self._notes.check(
            (UNDECIDED in reason and switched) or state == "io-error",
            f"after {info.get('status')} the guest is {state}, because of {reason}",
        )
        await self._processes.destination.kill()

    async def _all_active(self) -> None:
        """A migration that has not completed leaves no node inactive."""
        nodes = await self._source.qmp("query-named-block-nodes", flat=True)
        for node in nodes:
            inactive = f"node {node['node-name']} is inactive at the source"
            self._notes.check(node.get("active", True), inactive)

    async def _mirrors_agree(self) -> None:
        """Let the mirrors that live get in sync, and compare what they have copied."""
        mirrors = []
        for job in await self._source.qmp("query-block-jobs"):
            of_a_disk = job["device"] in (f"m{i}" for i in self._processes.disks)
            if of_a_disk and not await self._jobs.has_stopped(job["device"]):
                await self._jobs.ready(job["device"])
                mirrors.append(job["device"])
        await self._source.qmp("stop")
        await self._player.clients.end()
        for name in mirrors:
            position = len(self._source.events)
            await self._jobs.end(name)
            completed = ("BLOCK_JOB_COMPLETED", position)
            end = self._source.monitor.find(*completed, device=name)
            number = int(name.removeprefix("m"))
            if end and "error" not in end.data and not self._ownership.moved(number):
                self._ownership.compare(number)
