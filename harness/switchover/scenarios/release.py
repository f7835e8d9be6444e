# SPDX-License-Identifier: GPL-2.0-or-later
"""migration-complete with `release`: QEMU itself sees to what may still write.

On unpatched QEMU the same is asked for by migrate-continue, with all jobs and exports
left as they are.
"""

from __future__ import annotations

from ..judging.oracle import Expected
from ..stories.migration import Migration
from ..stories.rig import Rig, Scenario
from . import steps
from .outcomes import (
    AGAIN,
    COMPLETED,
    CUT_OFF,
    CUT_SHORT,
    both,
    mirrors,
    older,
    waited_for,
)


class ReleaseMany(Scenario):
    """Mirrors that the user has paused are resumed in the pause, with much to do."""

    async def run(self, rig: Rig) -> None:
        await steps.start(rig)
        await rig.jobs.pause()
        await rig.running(rig.source)
        async with rig.watch():
            migration = await steps.pause(rig)
            await rig.jobs.resume()
            await steps.hand_over(rig, migration)


class ReleaseTwice(steps.Release):
    """While it releases, another migration-complete is refused."""

    async def releasing(self, rig: Rig, migration: Migration) -> None:
        await rig.refused("migration-complete", release=True)
        await rig.refused("migration-complete")
        await super().releasing(rig, migration)


class CancelRelease(steps.Release):
    """Cancelled meanwhile, all is as before; a second migration completes."""

    async def releasing(self, rig: Rig, migration: Migration) -> None:
        await steps.cancel(rig, migration)
        await steps.mirrors_are(rig, "ready")
        await rig.jobs.catch_up()
        await steps.again(rig)


class Unreleasable(Scenario):
    """A backup runs: it can't be released. Cancelled and without it, it works."""

    async def run(self, rig: Rig) -> None:
        await steps.start(rig, copy_mode="write-blocking")
        await rig.spare.start("backup")
        before = await rig.jobs.statuses()
        migration = await steps.pause(rig)
        if not await migration.release():
            await steps.arrive(rig, migration)
            return
        await migration.release_failed()
        await rig.has_everything()
        await steps.cancel(rig, migration)
        await steps.jobs_are(rig, before)
        await rig.spare.cancel()
        await steps.again(rig)


UNDER_WAY = "^migration-complete: Migration is already being completed$"


def many(count: int) -> dict[str, Expected]:
    """Both builds hand over so many mirrors, base with management's help."""
    return both(Expected(journey=COMPLETED), *mirrors(count, "standby"))


SCENARIOS = (
    ReleaseTwice(
        "release",
        "release a mirror that is behind",
        waited_for(Expected(journey=COMPLETED, errors=(UNDER_WAY, UNDER_WAY))),
    ),
    ReleaseMany("release-4", "release four mirrors that were paused", many(4), disks=4),
    ReleaseMany(
        "release-16", "release 16 mirrors that were paused", many(16), disks=16
    ),
    CancelRelease(
        "release-cancel",
        "migrate_cancel while a mirror is released; migrate again",
        waited_for(Expected(journey=AGAIN, stderr=(CUT_SHORT, CUT_OFF))),
    ),
    Unreleasable(
        "release-backup",
        "release a mirror while a backup runs; cancel, migrate without it",
        {
            # It writes to a node that was to be inactive, and nobody notices.
            "base": Expected(journey=older(COMPLETED)),
            "patched": Expected(
                journey=AGAIN,
                writers=(
                    "^block-job backup spare spare-target running$",
                    *mirrors(1) * 2,
                ),
                errors=("backup job 'spare' writes to it$",),
                stderr=(CUT_SHORT, CUT_OFF),
            ),
        },
    ),
)
