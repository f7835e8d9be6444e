# SPDX-License-Identifier: GPL-2.0-or-later
"""Storage counts in convergence: the guest is stopped when mirrors have caught up."""

from __future__ import annotations

from ..judging.oracle import Expected
from ..stories.migration import Migration
from ..stories.rig import Rig, Scenario
from ..vm.pause import READY
from . import steps
from .outcomes import CUT_OFF, CUT_SHORT, unknown_to_base

# The source may hear of the end of a connection that a cancel has cut.
CLOSED = r"^source: .*The destination has closed the connection$"


async def waits(rig: Rig) -> Migration:
    """Boot and migrate: it goes on for as long as the mirrors are behind."""
    await steps.start_behind(rig, READY.capability)
    migration = await rig.migrate()
    await migration.reaches("active")
    rig.notes.check(await migration.goes_on(), "the guest was stopped too early")
    return migration


class SlowLink(Scenario):
    """The guest runs until the mirrors have caught up."""

    async def run(self, rig: Rig) -> None:
        migration = await waits(rig)
        storage = (await rig.source.qmp("query-migrate")).get("storage", {})
        limit = (await rig.source.qmp("query-migrate-parameters"))["downtime-limit"]
        waits_for = storage.get("expected-downtime", limit + 1)
        rig.notes.check(
            waits_for > limit, f"storage is {storage}, the limit {limit} ms"
        )
        await rig.jobs.catch_up()
        await migration.paused(READY)
        await rig.jobs.end()
        await steps.complete(rig, migration)


class CancelOnSlowLink(Scenario):
    """Cancelled while the mirrors are behind, the guest has never been stopped."""

    async def run(self, rig: Rig) -> None:
        await steps.cancel(rig, await waits(rig))


class AutoConverge(Scenario):
    """The guest writes faster than the mirrors copy, until its writes wait for them."""

    async def run(self, rig: Rig) -> None:
        await steps.start_behind(rig, READY.capability, "auto-converge")
        await rig.jobs.fall_behind_slowly()
        migration = await rig.migrate()
        await migration.paused(READY)
        await self.end(rig, migration)

    async def end(self, rig: Rig, migration: Migration) -> None:
        """The rest of the story."""
        await rig.jobs.catch_up()
        await rig.jobs.end()
        await steps.complete(rig, migration)


class CancelAutoConverge(AutoConverge):
    """After a cancel, writes don't wait any more: the mirrors fall behind again."""

    async def end(self, rig: Rig, migration: Migration) -> None:
        await steps.cancel(rig, migration)
        await rig.jobs.fall_behind()


def outcomes(*journey: str, disks: int = 1) -> dict[str, Expected]:
    """Base knows nothing of it; on patched, mirrors are listed in `ready`."""
    listed = range(disks) if "ready" in journey else ()
    patched = Expected(
        journey=journey,
        writers=tuple(rf"^block-job mirror m{i} dst{i} ready" for i in listed),
        stderr=(CUT_SHORT, CUT_OFF, CLOSED) if "cancelled" in journey else (),
    )
    return unknown_to_base(patched)


SCENARIOS = (
    SlowLink(
        "slow-link",
        "mirrors that are behind are waited for before the guest is stopped",
        outcomes("ready", "completed"),
    ),
    SlowLink(
        "slow-link-4",
        "four mirrors that are behind are waited for",
        outcomes("ready", "completed", disks=4),
        disks=4,
    ),
    CancelOnSlowLink(
        "slow-link-cancel",
        "migrate_cancel while a mirror is behind",
        outcomes("cancelled"),
    ),
    AutoConverge(
        "auto-converge",
        "a guest that writes faster than a mirror copies, auto-converge",
        outcomes("ready", "completed"),
    ),
    CancelAutoConverge(
        "auto-converge-cancel",
        "the same, migrate_cancel in ready",
        outcomes("ready", "cancelled"),
    ),
)
