# SPDX-License-Identifier: GPL-2.0-or-later
"""A switchover waits for mirrors that are READY, and fails when they fail."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..judging.oracle import Expected
from ..stories.jobs import SMALL_REQUESTS
from ..stories.migration import Migration
from ..stories.rig import Rig
from ..stories.scenario import Scenario
from ..vm.vm import Died
from .unfinished import ABORT, CUT_SHORT

JOB_FAILED = r"mirror job 'm0' failed: Input/output error"
UNNAMED_EIO = "Error in migration completion: Input/output error"
# The source says on its stderr, too, why a migration failed.
ON_STDERR = rf"^source: .*{JOB_FAILED}"
# An NBD server that is ended while it writes can't say any more that it has.
NOT_ANSWERED = r"^destination: .*Disconnect client, due to: Failed to send reply: "


async def start(rig: Rig, **options: Any) -> None:
    """Boot; the guest runs, and all mirrors are READY."""
    await rig.boot()
    await rig.link.connect()
    await rig.jobs.mirror_until_ready(**options)
    await rig.running(rig.source)


async def start_behind(rig: Rig) -> None:
    """The same with mirrors that don't keep up with the guest."""
    await start(rig, **SMALL_REQUESTS)
    await rig.jobs.fall_behind()


class LeftRunning(Scenario):
    """Leave mirrors running that are READY, and behind when the guest is stopped.

    If the switchover waits they catch up meanwhile, and are cancelled only after
    `completed`, when there is nothing left to do for them.
    """

    async def run(self, rig: Rig) -> None:
        await start_behind(rig)
        migration = await self.migrate(rig)
        if not await migration.waits():
            await too_early(rig, migration)
            return
        await self.waiting(rig, migration)

    async def migrate(self, rig: Rig) -> Migration:
        """Migrate, up to where QEMU switches over by itself."""
        return await rig.migrate()

    async def waiting(self, rig: Rig, migration: Migration) -> None:
        """It waits for the mirrors: what happens then."""
        await rig.jobs.catch_up()
        await arrive(rig, migration)
        await rig.jobs.end()
        await rig.run_at_destination()


async def too_early(rig: Rig, migration: Migration) -> None:
    """The destination got the guest, or not, while the mirrors were still behind."""
    try:
        equal = await arrive(rig, migration)
    except Died:
        equal = await rig.images.compare()
    rig.notes.check(not equal, "the mirrors were not behind")
    await rig.source_dies()


async def arrive(rig: Rig, migration: Migration) -> bool:
    """The guest gets to the destination. Whether the images are equal."""
    await migration.landmark()
    await migration.deliver()
    return await rig.arrive()


class CancelWhileWaiting(LeftRunning):
    """Cancelled while it waits, the guest runs on; a second attempt works."""

    async def waiting(self, rig: Rig, migration: Migration) -> None:
        await migration.cancel()
        await rig.run_at_source()
        jobs = await rig.jobs.statuses()
        rig.notes.check(jobs == {"m0": "ready"}, f"after the cancel jobs are {jobs}")
        await rig.jobs.catch_up()
        await rig.new_destination()
        await arrive(rig, await rig.migrate())
        await rig.jobs.end()
        await rig.run_at_destination()


class DeadTargetWhileWaiting(LeftRunning):
    """The NBD server goes away while mirrors are waited for: the guest runs on."""

    async def waiting(self, rig: Rig, migration: Migration) -> None:
        await rig.link.disconnect()
        await rig.jobs.catch_up()
        await migration.landmark()
        await rig.jobs.broken()
        await rig.run_at_source()


class DeadTarget(Scenario):
    """The NBD server goes away while RAM is being transferred."""

    async def run(self, rig: Rig) -> None:
        await rig.boot()
        await rig.link.export()
        await rig.jobs.drive_mirror_until_ready()
        await rig.running(rig.source)
        migration = await held(rig)
        await rig.link.disconnect()
        await rig.jobs.broken()
        await rig.settings.let_ram_go()
        if await migration.landmark() == "completed":
            await rig.arrive()
        else:
            await rig.run_at_source()


@dataclass(frozen=True)
class ForcedCancel(Scenario):
    """Management ends the mirrors by force: that is what it wants.

    The NBD server may go away then; the nodes that were the targets are still there.
    """

    server_gone: bool = False

    async def run(self, rig: Rig) -> None:
        await start(rig)
        migration = await held(rig)
        await rig.jobs.cancel(force=True)
        await rig.jobs.cancelled()
        # What is written from now on never gets to the destination.
        await rig.running(rig.source)
        if self.server_gone:
            await rig.link.disconnect()
        await rig.settings.let_ram_go()
        if await migration.landmark() == "completed":
            await rig.arrive()
        else:
            await rig.run_at_source()


async def held(rig: Rig) -> Migration:
    """A migration that does not end before rig.settings.let_ram_go()."""
    await rig.settings.hold_ram()
    migration = await rig.migrate()
    await migration.reaches("active")
    return migration


LOST = Expected(journey=("completed",), blocks_lost=True, records_lost=True)
TOO_EARLY = replace(LOST, crash=ABORT)
FAILED = Expected(
    journey=("failed",), errors=(JOB_FAILED,), stderr=(ON_STDERR, NOT_ANSWERED)
)

SCENARIOS = (
    CancelWhileWaiting(
        "cancel-while-waiting",
        "migrate_cancel while a mirror is waited for",
        {
            "base": TOO_EARLY,
            "patched": Expected(
                journey=("cancelled", "completed"), stderr=(CUT_SHORT,)
            ),
        },
    ),
    DeadTargetWhileWaiting(
        "dead-target-while-waiting",
        "the NBD server ends while a mirror is waited for",
        {"base": replace(TOO_EARLY, stderr=(NOT_ANSWERED,)), "patched": FAILED},
    ),
    DeadTarget(
        "dead-target",
        "the NBD server ends during the RAM phase",
        {"base": replace(LOST, stderr=(NOT_ANSWERED,)), "patched": FAILED},
    ),
    ForcedCancel(
        "forced-cancel",
        "a mirror cancelled by force during the RAM phase",
        {"base": LOST, "patched": LOST},
    ),
    ForcedCancel(
        "forced-cancel-server-gone",
        "the same, then its NBD server ends",
        {
            "base": Expected(
                journey=("failed",),
                errors=(UNNAMED_EIO,),
                stderr=(rf"^source: .*{UNNAMED_EIO}",),
            ),
            "patched": LOST,
        },
        server_gone=True,
    ),
)
