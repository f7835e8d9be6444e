# SPDX-License-Identifier: GPL-2.0-or-later
"""What several scenarios share: beginnings, ends, and what is in between."""

from __future__ import annotations

import asyncio
from typing import Any

from ..stories.jobs import SMALL_REQUESTS
from ..stories.migration import Migration
from ..stories.rig import Rig, Scenario
from ..vm.pause import PRE_SWITCHOVER
from ..vm.vm import Died

# For as long the source is watched: does it answer?
STALL_SECONDS = 2.0


async def connect(rig: Rig, *capabilities: str) -> None:
    """Boot; the source has these capabilities, and what it can mirror to."""
    await rig.boot()
    for name in capabilities:
        await rig.settings.capability(name)
    await rig.link.connect()


async def boot(rig: Rig, *capabilities: str) -> None:
    """The same; the guest runs, and nothing is mirrored yet."""
    await connect(rig, *capabilities)
    await rig.running(rig.source)


async def start(rig: Rig, *capabilities: str, **options: Any) -> None:
    """The same; all mirrors are READY."""
    await connect(rig, *capabilities)
    await rig.jobs.mirror_until_ready(**options)
    await rig.running(rig.source)


async def start_behind(rig: Rig, *capabilities: str) -> None:
    """The same with mirrors that don't keep up with the guest."""
    await start(rig, *capabilities, **SMALL_REQUESTS)
    await rig.jobs.fall_behind()


async def start_apart(rig: Rig) -> None:
    """Mirrors are in sync with an NBD server that is not the destination's."""
    await start(rig, copy_mode="write-blocking")
    await rig.new_destination()


async def pause(rig: Rig) -> Migration:
    """Migrate into the pause."""
    await rig.settings.pausing()
    migration = await rig.migrate()
    await migration.paused()
    return migration


async def pause_before_switchover(rig: Rig) -> Migration:
    """Migrate into the pause that every build has."""
    await rig.settings.capability(PRE_SWITCHOVER.capability)
    migration = await rig.migrate()
    await migration.paused(PRE_SWITCHOVER)
    return migration


async def pause_behind(rig: Rig) -> Migration:
    """The same with mirrors that are behind, which would otherwise be waited for."""
    await rig.settings.pausing()
    migration = await rig.migrate()
    await migration.converges()
    await rig.settings.converge_at_once()
    await migration.paused()
    return migration


async def held(rig: Rig) -> Migration:
    """A migration that does not end before rig.settings.let_ram_go()."""
    await rig.settings.hold_ram()
    migration = await rig.migrate()
    await migration.reaches("active")
    return migration


async def arrive(rig: Rig, migration: Migration) -> bool:
    """The guest gets to the destination. Whether the images are equal."""
    await migration.landmark()
    await migration.deliver()
    return await rig.arrive()


async def switched_over(rig: Rig, migration: Migration) -> None:
    """The guest gets to the destination, and runs there."""
    await arrive(rig, migration)
    await rig.run_at_destination()


async def released(rig: Rig, migration: Migration) -> None:
    """The guest gets to the destination, and mirrors end that were told to."""
    await arrive(rig, migration)
    await rig.jobs.ended()
    await rig.run_at_destination()


async def completes(rig: Rig, migration: Migration) -> bool:
    """Whether the guest gets to the destination, or has to run on at the source."""
    if await migration.landmark() == "completed":
        await rig.arrive()
        return True
    await rig.run_at_source()
    return False


async def end_afterwards(rig: Rig, migration: Migration) -> None:
    """The guest gets to the destination, and management ends the mirrors."""
    await arrive(rig, migration)
    await rig.jobs.end()
    await rig.run_at_destination()


async def hand_over(rig: Rig, migration: Migration) -> None:
    """From the pause the guest gets to the destination, in the way that is safe.

    Without `ready` that is libvirt's.
    """
    if migration.status == "ready":
        await migration.release()
        await released(rig, migration)
    else:
        await rig.jobs.finish()
        await migration.go_on()
        await switched_over(rig, migration)


async def again(rig: Rig) -> None:
    """Another destination gets the guest, at full speed."""
    await rig.new_destination()
    await rig.settings.let_ram_go()
    await hand_over(rig, await pause(rig))


async def cancel(rig: Rig, migration: Migration) -> None:
    """Cancelled, the guest runs on at the source."""
    await migration.cancel()
    await rig.run_at_source()


async def complete(rig: Rig, migration: Migration) -> None:
    """Nothing is in the way any more: switch over, and run at the destination."""
    await rig.source.qmp("migration-complete")
    await switched_over(rig, migration)


async def too_early(rig: Rig, migration: Migration) -> None:
    """The destination got the guest, or not, while the mirrors were still behind."""
    try:
        equal = await arrive(rig, migration)
    except Died:
        equal = await rig.images.compare()
    rig.notes.check(not equal, "the mirrors were not behind")
    await rig.source_dies()


async def mirrors_are(rig: Rig, status: str) -> None:
    """Note a surprise unless those are all jobs, in this status."""
    await jobs_are(rig, {f"m{i}": status for i in rig.disks})


async def jobs_are(rig: Rig, wanted: dict[str, str]) -> None:
    """Note a surprise unless these are the statuses of all jobs, by id."""
    jobs = await rig.jobs.statuses()
    rig.notes.check(jobs == wanted, f"jobs are {jobs}, not {wanted}")


async def second_attempt(rig: Rig) -> None:
    """What libvirt does: pause, end the mirrors, continue."""
    await rig.jobs.finish_copying()
    await rig.new_destination()
    await hand_over(rig, await pause_before_switchover(rig))


class LeftRunning(Scenario):
    """Leave mirrors running that are READY, and behind when the guest is stopped.

    If the switchover waits they catch up meanwhile, and are cancelled only after
    `completed`, when there is nothing left to do for them.
    """

    async def run(self, rig: Rig) -> None:
        await start_behind(rig)
        migration = await self.migrate(rig)
        if not await migration.waits(rig.jobs.remaining):
            await too_early(rig, migration)
            return
        await self.waiting(rig, migration)

    async def migrate(self, rig: Rig) -> Migration:
        """Migrate, up to where QEMU switches over by itself."""
        return await rig.migrate()

    async def waiting(self, rig: Rig, migration: Migration) -> None:
        """It waits for the mirrors: what happens then."""
        await rig.jobs.catch_up()
        await end_afterwards(rig, migration)


class Release(Scenario):
    """Mirrors are behind in the pause; the migration is told to go on all the same.

    If they are released they catch up meanwhile, and QEMU ends them.
    """

    async def run(self, rig: Rig) -> None:
        await start_behind(rig)
        # Stopping the guest waits for what the mirrors are made to read slowly.
        migration = await self.pause(rig)
        async with rig.watch():
            if not await migration.release():
                await too_early(rig, migration)
                return
            await migration.still("ready")
            await self.releasing(rig, migration)

    async def pause(self, rig: Rig) -> Migration:
        """Migrate into the pause."""
        return await pause_behind(rig)

    async def releasing(self, rig: Rig, migration: Migration) -> None:
        """It waits for the mirrors: what happens then."""
        await rig.jobs.catch_up()
        await released(rig, migration)


class Handover(Scenario):
    """After the release: the disks are inactive, and devices are still to be sent.

    The destination stalls before it can get that.
    """

    async def run(self, rig: Rig) -> None:
        await start(rig, copy_mode="write-blocking")
        await rig.weigh_down()
        await rig.new_destination()
        async with rig.watch():
            migration = await pause(rig)
            await migration.ram_is_sent()
            rig.destination.stall()
            # The source may not answer before it can go on sending.
            await asyncio.gather(migration.release(), self._fault(rig, migration))

    async def _fault(self, rig: Rig, migration: Migration) -> None:
        await migration.reaches("device")
        await self.fault(rig, migration)

    async def fault(self, rig: Rig, migration: Migration) -> None:
        """What else happens, and what becomes of it."""
        raise NotImplementedError
