# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks that clients of the source write to, and that are handed over as well."""

from __future__ import annotations

from dataclasses import dataclass

from ..judging.oracle import Expected
from ..stories.migration import Migration
from ..stories.rig import Rig, Scenario
from . import steps
from .outcomes import (
    COMPLETED,
    CUT_OFF,
    CUT_SHORT,
    UNNAMED_EFAULT,
    both,
    mirrors,
    older,
)


@dataclass(frozen=True)
class Exports(Scenario):
    """Clients write to exported disks, which are mirrored like the guest's.

    If the migration is `cancelled`, or fails, they write on. Then, or if it can't
    be done by QEMU, management ends them itself.
    """

    clients: int = 1
    cancelled: bool = False

    async def run(self, rig: Rig) -> None:
        await steps.start(rig, copy_mode="write-blocking")
        await rig.shared.start(self.clients)
        if self.cancelled:
            migration = await self.pause(rig)
            await migration.cancel()
            await self.goes_on(rig)
            await rig.new_destination()
        migration = await self.pause(rig)
        await migration.release()
        if await migration.landmark() == "failed":
            await self.goes_on(rig)
            # What management does where QEMU can't release anything.
            await rig.shared.end()
            await rig.shared.end_mirrors()
            await rig.shared.compare()
            await steps.second_attempt(rig)
            return
        await rig.arrive()
        await rig.shared.exports_removed()
        await rig.shared.mirrors_ended()
        await rig.shared.compare()
        await rig.jobs.ended()
        await rig.run_at_destination()

    async def pause(self, rig: Rig) -> Migration:
        """Migrate into the pause, in which the clients write on."""
        migration = await steps.pause(rig)
        await rig.shared.writing()
        return migration

    async def goes_on(self, rig: Rig) -> None:
        """The guest and the clients at the source do."""
        await rig.run_at_source()
        await rig.shared.writing()


class NewExport(Scenario):
    """In the pause a node is exported for writing, by an NBD server of the source.

    It is in the way until it is released, or ended by management.
    """

    async def run(self, rig: Rig) -> None:
        await steps.start(rig, copy_mode="write-blocking")
        migration = await steps.pause(rig)
        await rig.spare.export()
        if migration.status == "ready":
            await rig.refused("migration-complete")
            await migration.still("ready")
        await migration.release()
        if await migration.landmark() == "failed":
            await rig.run_at_source()
            await rig.spare.end_export()
            await steps.second_attempt(rig)
            return
        await rig.arrive()
        await rig.jobs.ended()
        await rig.run_at_destination()


IN_THE_WAY = "^migration-complete: .*nbd export 'spare' may write to it$"
# A client that is ended while it waits for the answer to a write.
HUNG_UP = "^source: .*Disconnect client, due to: "


def unnamed(*before: str) -> Expected:
    """What base does, after such a journey, where there is a writable export.

    It can't go on, doesn't say why, and it works when there is none.
    """
    return Expected(
        journey=(*before, "pre-switchover", "failed", "pre-switchover", "completed"),
        errors=(UNNAMED_EFAULT,),
        stderr=(
            rf"^source: .*{UNNAMED_EFAULT}",
            r"^source: .*bdrv_inactivate_all\(\)",
            CUT_SHORT,
            CUT_OFF,
            HUNG_UP,
        ),
    )


def exports(count: int, *before: str) -> dict[str, Expected]:
    """Patched releases so many exports, and has listed them each time in `ready`."""
    listed = [f"^block-export shared{i} " for i in range(count)]
    listed += mirrors(1)
    listed += [
        f"^block-job mirror shared{i} shared-target{i} ready$" for i in range(count)
    ]
    stderr = (CUT_SHORT, CUT_OFF, HUNG_UP)
    patched = Expected(journey=(*before, *COMPLETED), stderr=stderr)
    return {**both(patched, *listed), "base": unnamed(*older(before))}


SCENARIOS = (
    Exports(
        "release-export",
        "release a mirrored disk with a client that writes to its export",
        exports(1),
    ),
    Exports(
        "release-export-4",
        "the same with four exports, cancelled at first",
        exports(4, "ready", "cancelled"),
        clients=4,
        cancelled=True,
    ),
    NewExport(
        "export-in-ready",
        "export a node for writing in the pause, release it",
        {**both(Expected(journey=COMPLETED, errors=(IN_THE_WAY,))), "base": unnamed()},
    ),
)
