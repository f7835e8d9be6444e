# SPDX-License-Identifier: GPL-2.0-or-later
"""What a migration can't wait for: it fails before the guest has to stop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from ..judging.oracle import Expected
from ..stories.jobs import SLOW_JOB
from ..stories.rig import Rig, Scenario
from . import steps
from .outcomes import LOST, REFUSAL, TOO_EARLY, UNNAMED_EFAULT

ATTEMPTS = 3


Act = Callable[[Rig], Awaitable[None]]


@dataclass(frozen=True)
class Obstacle(Scenario):
    """Something may still write: the migration fails; without it, the next one works.

    `put` puts it there, `remove` takes it away.
    """

    put: Act = lambda rig: rig.jobs.pause()
    remove: Act = lambda rig: rig.jobs.resume()
    copy_mode: str = "write-blocking"

    async def run(self, rig: Rig) -> None:
        await steps.start(rig, copy_mode=self.copy_mode)
        await self.put(rig)
        # A mirror that is paused is behind now.
        await rig.running(rig.source)
        before = await rig.jobs.statuses()
        if await steps.completes(rig, await rig.migrate()):
            return
        await steps.jobs_are(rig, before)
        await self.remove(rig)
        await steps.second_attempt(rig)


class PausedGuest(Scenario):
    """Several attempts fail, and one works; a guest that is paused stays so."""

    async def run(self, rig: Rig) -> None:
        await steps.boot(rig)
        await rig.source.qmp("stop")
        await rig.jobs.mirror(speed=SLOW_JOB)
        for _ in range(ATTEMPTS):
            migration = await rig.migrate()
            if await migration.landmark() == "completed":
                await rig.arrive()
                await rig.source_dies()
                return
            await rig.is_stopped(rig.source)
            await rig.new_destination()
        await rig.jobs.finish_copying()
        await steps.arrive(rig, await rig.migrate())
        await rig.is_stopped(rig.destination)
        await rig.jobs.end()
        await rig.run_at_destination()


def refused(error: str) -> Expected:
    """It fails for this reason, without stopping the guest; then one works."""
    return Expected(
        journey=("failed", "pre-switchover", "completed"),
        errors=(error,),
        stderr=(rf"^source: .*{error}",),
        stops=1,
    )


UNNAMED = replace(
    refused(UNNAMED_EFAULT),
    stderr=(rf"^source: .*{UNNAMED_EFAULT}", r"^source: .*bdrv_inactivate_all\(\)"),
    stops=2,
)

SCENARIOS = (
    Obstacle(
        "paused-mirror",
        "migrate while a mirror is paused by the user",
        {"base": LOST, "patched": refused("mirror job 'm0'.* paused")},
        copy_mode="background",
    ),
    Obstacle(
        "backup",
        "migrate while a backup runs",
        {
            # It writes to a node that was to be inactive, and nobody notices.
            "base": Expected(journey=("completed",)),
            "patched": refused("backup job 'spare'"),
        },
        put=lambda rig: rig.spare.start("backup"),
        remove=lambda rig: rig.spare.cancel(),
    ),
    Obstacle(
        "writable-export",
        "migrate while a node is exported for writing",
        {"base": UNNAMED, "patched": refused("export 'spare'")},
        put=lambda rig: rig.spare.export(),
        remove=lambda rig: rig.spare.end_export(),
    ),
    PausedGuest(
        "paused-guest",
        "three attempts fail, one works, the guest is paused",
        {
            # All that it wrote was copied before it was paused.
            "base": replace(TOO_EARLY, records_lost=False),
            "patched": Expected(
                journey=(*["failed"] * ATTEMPTS, "completed"),
                errors=(REFUSAL,) * ATTEMPTS,
                stderr=(rf"^source: .*{REFUSAL}",),
                stops=1,
            ),
        },
    ),
)
