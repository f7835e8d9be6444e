# SPDX-License-Identifier: GPL-2.0-or-later
"""A migration that ends while a mirror to the destination is unfinished."""

from __future__ import annotations

from dataclasses import dataclass

from ..judging.oracle import Expected
from ..stories.jobs import SLOW_JOB
from ..stories.rig import Rig
from ..stories.scenario import Scenario
from ..vm.pause import PRE_SWITCHOVER

ABORT = (
    r"source: .*bdrv_co_write_req_prepare: "
    r"Assertion `!\(bs->open_flags & BDRV_O_INACTIVE\)' failed"
)
REFUSAL = (
    r"Cannot inactivate node 'dst(\d+)': "
    r"mirror job 'm\1' still has \d+ bytes to copy to it"
)
# The source says on its stderr, too, why a migration failed.
ON_STDERR = r"^source: .*Cannot inactivate node 'dst"
# A destination says so when the source has given up in the middle of a section.
CUT_SHORT = (
    r"^destination\d*: .*(check_section_footer: Read section footer failed: -5"
    r"|Getting RAM address failed)$"
)


@dataclass(frozen=True)
class UnfinishedMirror(Scenario):
    """Migrate while the mirrors have most of their data to copy.

    If it fails as it should, the guest runs on with its jobs, and a second attempt
    in the way of libvirt works.
    """

    pause: bool = False

    async def run(self, rig: Rig) -> None:
        await rig.boot()
        await rig.link.connect()
        await rig.running(rig.source)
        await rig.jobs.mirror(speed=SLOW_JOB)
        if await self.attempt(rig) == "completed":
            equal = await rig.arrive()
            rig.notes.check(not equal, "the mirror was done too early")
            await rig.source_dies()
            return
        await rig.run_at_source()
        running = {f"m{i}": "running" for i in rig.disks}
        jobs = await rig.jobs.statuses()
        rig.notes.check(jobs == running, f"after the failure the jobs are {jobs}")
        await second_attempt(rig)

    async def attempt(self, rig: Rig) -> str:
        """Migrate with the jobs left alone; the status that it ends with."""
        if self.pause:
            await rig.settings.capability("pause-before-switchover")
        migration = await rig.migrate()
        status = await migration.landmark()
        if status == "pre-switchover":
            await migration.go_on()
            return await migration.landmark()
        return status


async def second_attempt(rig: Rig) -> None:
    """What libvirt does: pause, end the mirrors, continue."""
    await rig.jobs.finish_copying()
    await rig.new_destination()
    await rig.settings.capability("pause-before-switchover")
    migration = await rig.migrate()
    await migration.paused(PRE_SWITCHOVER)
    await rig.jobs.finish()
    await migration.go_on()
    await migration.landmark()
    await rig.arrive()
    await rig.run_at_destination()


def outcomes(*first: str, records_lost: bool | None = True) -> dict[str, Expected]:
    """The declared outcomes, where the statuses `first` come before the end.

    A guest is not stopped in vain, unless management has asked for that.
    """
    return {
        "base": Expected(
            journey=(*first, "completed"),
            crash=ABORT,
            blocks_lost=True,
            records_lost=records_lost,
        ),
        "patched": Expected(
            journey=(*first, "failed", "pre-switchover", "completed"),
            errors=(REFUSAL,),
            stderr=(ON_STDERR, CUT_SHORT),
            stops=2 if first else 1,
        ),
    }


SCENARIOS = (
    UnfinishedMirror(
        "unfinished-mirror", "migrate while a mirror is unfinished", outcomes()
    ),
    UnfinishedMirror(
        "unfinished-mirror-4",
        "migrate while four mirrors are unfinished",
        outcomes(),
        disks=4,
    ),
    UnfinishedMirror(
        "unfinished-mirror-pause-before-switchover",
        "migrate-continue while a mirror is unfinished",
        outcomes("pre-switchover"),
        pause=True,
    ),
)
