# SPDX-License-Identifier: GPL-2.0-or-later
"""A switchover waits for mirrors that are READY, and fails when they fail."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..judging.oracle import Expected
from ..stories.migration import Migration
from ..stories.rig import Rig, Scenario
from . import steps
from .outcomes import CUT_SHORT, JOB_FAILED, LOST, NOT_ANSWERED, TOO_EARLY


class CancelWhileWaiting(steps.LeftRunning):
    """Cancelled while it waits, the guest runs on; a second attempt works."""

    async def waiting(self, rig: Rig, migration: Migration) -> None:
        await steps.cancel(rig, migration)
        await steps.mirrors_are(rig, "ready")
        await rig.jobs.catch_up()
        await rig.new_destination()
        await steps.end_afterwards(rig, await rig.migrate())


class DeadTargetWhileWaiting(steps.LeftRunning):
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
        migration = await steps.held(rig)
        await rig.link.disconnect()
        await rig.jobs.broken()
        await rig.settings.let_ram_go()
        await steps.completes(rig, migration)


@dataclass(frozen=True)
class ForcedCancel(Scenario):
    """Management ends the mirrors by force: that is what it wants.

    The NBD server may go away then; the nodes that were the targets are still there.
    """

    server_gone: bool = False

    async def run(self, rig: Rig) -> None:
        await steps.start(rig)
        migration = await steps.held(rig)
        await rig.jobs.cancel_by_force()
        # What is written from now on never gets to the destination.
        await rig.running(rig.source)
        if self.server_gone:
            await rig.link.disconnect()
        await rig.settings.let_ram_go()
        await steps.completes(rig, migration)


UNNAMED_EIO = "Error in migration completion: Input/output error"
# The source says on its stderr, too, why a migration failed.
ON_STDERR = rf"^source: .*{JOB_FAILED}"
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
