# SPDX-License-Identifier: GPL-2.0-or-later
"""pause-at-complete: what stands in the way in `ready`, and the way on."""

from __future__ import annotations

from dataclasses import dataclass

from ..judging.oracle import Expected
from ..stories.migration import Migration
from ..stories.rig import Rig, Scenario
from ..vm.pause import READY
from . import steps
from .outcomes import COMPLETED, unknown_to_base


async def reach_ready(rig: Rig) -> Migration:
    """Migrate into `ready`."""
    migration = await rig.migrate()
    await migration.paused(READY)
    return migration


async def is_refused(rig: Rig, migration: Migration) -> None:
    """Something is in the way; asking to complete changes nothing."""
    await rig.refused("migration-complete")
    await migration.still("ready")


class PauseAtComplete(Scenario):
    """Unfinished mirrors are refused; finished in `ready`, the migration goes on.

    They are started there: the guest isn't stopped while there is an unfinished one.
    """

    async def run(self, rig: Rig) -> None:
        await steps.boot(rig, READY.capability)
        migration = await reach_ready(rig)
        await rig.jobs.mirror_slowly()
        await is_refused(rig, migration)
        await rig.jobs.finish()
        await steps.complete(rig, migration)


class PausedMirrorInReady(Scenario):
    """A mirror that the user has paused is in the way until it is resumed."""

    async def run(self, rig: Rig) -> None:
        await steps.boot(rig, READY.capability)
        await rig.jobs.mirror_slowly()
        await rig.jobs.pause()
        migration = await reach_ready(rig)
        await is_refused(rig, migration)
        await rig.jobs.resume()
        await rig.jobs.finish()
        await steps.complete(rig, migration)


@dataclass(frozen=True)
class NewJobInReady(Scenario):
    """A job that is started in `ready` on another node is in the way as well."""

    job: str = "mirror"

    async def run(self, rig: Rig) -> None:
        await steps.boot(rig, READY.capability)
        await rig.jobs.mirror_until_ready()
        migration = await reach_ready(rig)
        await rig.jobs.end()
        await rig.spare.start(self.job)
        await is_refused(rig, migration)
        await rig.spare.cancel()
        await steps.complete(rig, migration)


def outcomes(error: str, status: str | None = None) -> dict[str, Expected]:
    """Base knows nothing of it; patched refuses, and completes.

    On entering `ready` it lists a mirror with this status, if there is one.
    """
    writers = (rf"^block-job mirror m0 dst0 {status}",) if status else ()
    refused = (f"^migration-complete: .*{error}",)
    return unknown_to_base(Expected(COMPLETED, errors=refused, writers=writers))


SCENARIOS = (
    PauseAtComplete(
        "pause-at-complete", "finish a mirror in ready, complete", outcomes("job 'm0'")
    ),
    PauseAtComplete(
        "pause-at-complete-4",
        "finish four mirrors in ready, complete",
        outcomes("job 'm3'.*'m2'.*'m1'.*'m0'"),
        disks=4,
    ),
    NewJobInReady(
        "new-mirror-in-ready",
        "start a mirror of another node in ready",
        outcomes("mirror job 'spare'", status="ready"),
    ),
    NewJobInReady(
        "new-backup-in-ready",
        "start a backup of another node in ready",
        outcomes("backup job 'spare'", status="ready"),
        job="backup",
    ),
    PausedMirrorInReady(
        "paused-mirror-in-ready",
        "a mirror paused by the user in ready",
        outcomes("mirror job 'm0'", status="paused"),
    ),
)
