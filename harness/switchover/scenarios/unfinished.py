# SPDX-License-Identifier: GPL-2.0-or-later
"""A migration that ends while a mirror to the destination is unfinished."""

from __future__ import annotations

from dataclasses import dataclass

from ..judging.oracle import Expected
from ..stories.jobs import SLOW_JOB
from ..stories.rig import Rig, Scenario
from . import steps
from .outcomes import ABORT, CUT_SHORT, REFUSAL

# The source says on its stderr, too, why a migration failed.
ON_STDERR = r"^source: .*Cannot inactivate node 'dst"


@dataclass(frozen=True)
class UnfinishedMirror(Scenario):
    """Migrate while the mirrors have most of their data to copy.

    If it fails as it should, the guest runs on with its jobs, and a second attempt
    in the way of libvirt works.
    """

    pause: bool = False

    async def run(self, rig: Rig) -> None:
        await steps.boot(rig)
        await rig.jobs.mirror(speed=SLOW_JOB)
        if await self.attempt(rig) == "completed":
            equal = await rig.arrive()
            rig.notes.check(not equal, "the mirror was done too early")
            await rig.source_dies()
            return
        await rig.run_at_source()
        await steps.mirrors_are(rig, "running")
        await steps.second_attempt(rig)

    async def attempt(self, rig: Rig) -> str:
        """Migrate with the jobs left alone; the status that it ends with."""
        if self.pause:
            await rig.settings.capability("pause-before-switchover")
        migration = await rig.migrate()
        if "postcopy-ram" in self.agreed:
            await migration.postcopy()
        status = await migration.landmark()
        if status == "pre-switchover":
            await migration.go_on()
            return await migration.landmark()
        return status


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
    UnfinishedMirror(
        "unfinished-mirror-multifd",
        "migrate while a mirror is unfinished, multifd",
        outcomes(),
        agreed=("multifd",),
    ),
    UnfinishedMirror(
        "unfinished-mirror-postcopy",
        "migrate while a mirror is unfinished, postcopy",
        # It takes so little time that the guest may write nothing meanwhile.
        outcomes(records_lost=None),
        agreed=("postcopy-ram",),
    ),
)
