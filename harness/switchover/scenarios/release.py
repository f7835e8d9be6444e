# SPDX-License-Identifier: GPL-2.0-or-later
"""migration-complete with `release`: QEMU itself sees to what may still write.

On unpatched QEMU the same is asked for by migrate-continue, with all jobs and exports
left as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..judging.oracle import Expected
from ..stories.migration import Migration
from ..stories.rig import Rig
from ..stories.scenario import Scenario
from . import waiting
from .unfinished import ABORT, CUT_SHORT, second_attempt
from .waiting import JOB_FAILED, NOT_ANSWERED, too_early


async def pause(rig: Rig) -> Migration:
    """Migrate into the pause."""
    await rig.settings.pausing()
    migration = await rig.migrate()
    await migration.paused()
    return migration


async def pause_behind(rig: Rig, transport: str = "socket") -> Migration:
    """The same with mirrors that are behind, which would otherwise be waited for."""
    await rig.settings.pausing()
    migration = await rig.migrate(transport)
    await migration.converges()
    await rig.settings.converge_at_once()
    await migration.paused()
    return migration


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
        await waiting.arrive(rig, migration)
    await rig.run_at_destination()


async def released(rig: Rig, migration: Migration) -> None:
    """The guest gets to the destination, and QEMU ends the mirrors."""
    await waiting.arrive(rig, migration)
    await rig.jobs.ended()


class Release(Scenario):
    """Mirrors are behind in the pause; the migration is told to go on all the same.

    If they are released they catch up meanwhile, and QEMU ends them.
    """

    async def run(self, rig: Rig) -> None:
        await waiting.start_behind(rig)
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
        await rig.run_at_destination()


class ReleaseMany(Scenario):
    """Mirrors that the user has paused are resumed in the pause, and have much to do."""

    async def run(self, rig: Rig) -> None:
        await waiting.start(rig)
        await rig.jobs.pause()
        await rig.running(rig.source)
        async with rig.watch():
            migration = await pause(rig)
            await rig.jobs.resume()
            await hand_over(rig, migration)


class ReleaseTwice(Release):
    """While it releases, another migration-complete is refused."""

    async def releasing(self, rig: Rig, migration: Migration) -> None:
        await rig.refused("migration-complete", release=True)
        await rig.refused("migration-complete")
        await super().releasing(rig, migration)


class CancelRelease(Release):
    """Cancelled meanwhile, all is as before; a second migration completes."""

    async def releasing(self, rig: Rig, migration: Migration) -> None:
        await migration.cancel()
        await rig.run_at_source()
        await mirrors_are_ready(rig)
        await rig.jobs.catch_up()
        await rig.new_destination()
        await hand_over(rig, await pause(rig))


async def mirrors_are_ready(rig: Rig) -> None:
    """Note a surprise if one isn't."""
    jobs = await rig.jobs.statuses()
    wanted = {f"m{i}": "ready" for i in rig.disks}
    rig.notes.check(jobs == wanted, f"jobs are {jobs}, not {wanted}")


class ServerGone(Release):
    """The NBD server ends meanwhile, and with it the mirror: still `ready`.

    Cancelled, the guest runs on, and with a new server and mirror it migrates.
    """

    async def releasing(self, rig: Rig, migration: Migration) -> None:
        await rig.link.disconnect()
        await rig.jobs.catch_up()
        await migration.release_failed()
        await rig.has_everything()
        await migration.cancel()
        await rig.run_at_source()
        await mirror_anew(rig)
        await rig.new_destination()
        await hand_over(rig, await pause(rig))


async def mirror_anew(rig: Rig) -> None:
    """After the NBD server has ended: start another, and mirrors to it."""
    await rig.jobs.broken()
    await rig.link.reconnect()
    await rig.jobs.mirror_until_ready()


class Unreleasable(Scenario):
    """A backup runs: it can't be released. Cancelled and without it, it works."""

    async def run(self, rig: Rig) -> None:
        await waiting.start(rig, copy_mode="write-blocking")
        await rig.spare.start("backup")
        before = await rig.jobs.statuses()
        migration = await pause(rig)
        if not await migration.release():
            await waiting.arrive(rig, migration)
            return
        await migration.release_failed()
        await rig.has_everything()
        await migration.cancel()
        await rig.run_at_source()
        after = await rig.jobs.statuses()
        rig.notes.check(before == after, f"jobs were {before}, are {after}")
        await rig.spare.cancel()
        await rig.new_destination()
        await hand_over(rig, await pause(rig))


class NewExport(Scenario):
    """In the pause a node is exported for writing, by an NBD server of the source.

    It is in the way until it is released, or ended by management.
    """

    async def run(self, rig: Rig) -> None:
        await waiting.start(rig, copy_mode="write-blocking")
        migration = await pause(rig)
        await rig.spare.export()
        if migration.status == "ready":
            await rig.refused("migration-complete")
            await migration.still("ready")
        await migration.release()
        if await migration.landmark() == "failed":
            await rig.run_at_source()
            await rig.spare.end_export()
            await second_attempt(rig)
            return
        await rig.arrive()
        await rig.jobs.ended()
        await rig.run_at_destination()


@dataclass(frozen=True)
class Exports(Scenario):
    """Clients write to exported disks, which are mirrored like the guest's.

    If the migration is `cancelled`, or fails, they write on. Then, or if it can't
    be done by QEMU, management ends them itself.
    """

    clients: int = 1
    cancelled: bool = False

    async def run(self, rig: Rig) -> None:
        await waiting.start(rig, copy_mode="write-blocking")
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
            await self.without_help(rig)
            return
        await rig.arrive()
        await rig.shared.exports_removed()
        await rig.shared.mirrors_ended()
        await rig.shared.compare()
        await rig.jobs.ended()
        await rig.run_at_destination()

    async def pause(self, rig: Rig) -> Migration:
        """Migrate into the pause, in which the clients write on."""
        migration = await pause(rig)
        await rig.shared.writing()
        return migration

    async def goes_on(self, rig: Rig) -> None:
        """The guest and the clients at the source do."""
        await rig.run_at_source()
        await rig.shared.writing()

    async def without_help(self, rig: Rig) -> None:
        """What management does where QEMU can't release anything."""
        await rig.shared.end()
        await rig.shared.end_mirrors()
        await rig.shared.compare()
        await second_attempt(rig)


TOO_EARLY = Expected(
    journey=("pre-switchover", "completed"),
    crash=ABORT,
    blocks_lost=True,
    records_lost=True,
)
UNDER_WAY = "^migration-complete: Migration is already being completed$"
# A client that is ended while it waits for the answer to a write.
HUNG_UP = "^source: .*Disconnect client, due to: "
# What a source may say of RAM that it was sending when its connection was lost.
NOT_SAVED = r"failed to save SaveStateEntry with id\(name\): 1\(ram\): -5"
# The source may say that a cancel has cut its connection.
CUT_OFF = (
    "^source: .*(Channel error: Input/output error"
    f"|Unable to write to socket: Broken pipe|{NOT_SAVED})$"
)
UNNAMED_EFAULT = "Error in migration completion: Bad address"


def mirrors(count: int, status: str = "ready") -> tuple[str, ...]:
    """What `ready` lists, by name, of so many mirrors that have this status."""
    jobs = sorted(f"m{i} dst{i}" for i in range(count))
    return tuple(f"^block-job mirror {job} {status}$" for job in jobs)


def many(count: int) -> dict[str, Expected]:
    """Both builds hand over so many mirrors, base with management's help."""
    return {
        "base": Expected(journey=("pre-switchover", "completed")),
        "patched": Expected(
            journey=("ready", "completed"), writers=mirrors(count, "standby")
        ),
    }


def outcomes(*journey: str, **details: object) -> dict[str, Expected]:
    """Base completes, the mirrors go on to write, and are too late."""
    return {"base": TOO_EARLY, "patched": Expected(journey=journey, **details)}


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
    journey = (*before, "ready", "completed")
    old = ["pre-switchover" if status == "ready" else status for status in before]
    return {
        "base": unnamed(*old),
        "patched": Expected(
            journey=journey,
            writers=tuple(listed) * journey.count("ready"),
            stderr=(CUT_SHORT, CUT_OFF, HUNG_UP),
        ),
    }


SCENARIOS = (
    ReleaseTwice(
        "release",
        "release a mirror that is behind",
        outcomes(
            "ready", "completed", writers=mirrors(1), errors=(UNDER_WAY, UNDER_WAY)
        ),
    ),
    ReleaseMany("release-4", "release four mirrors that were paused", many(4), disks=4),
    ReleaseMany(
        "release-16", "release 16 mirrors that were paused", many(16), disks=16
    ),
    CancelRelease(
        "release-cancel",
        "migrate_cancel while a mirror is released; migrate again",
        outcomes(
            *("ready", "cancelled", "ready", "completed"),
            writers=mirrors(1) * 2,
            stderr=(CUT_SHORT, CUT_OFF),
        ),
    ),
    ServerGone(
        "release-server-gone",
        "the NBD server ends while a mirror is released; cancel, migrate again",
        outcomes(
            *("ready", "cancelled", "ready", "completed"),
            writers=mirrors(1) * 2,
            errors=(JOB_FAILED,),
            stderr=(CUT_SHORT, CUT_OFF, NOT_ANSWERED),
        ),
    ),
    Unreleasable(
        "release-backup",
        "release a mirror while a backup runs; cancel, migrate without it",
        {
            # It writes to a node that was to be inactive, and nobody notices.
            "base": Expected(journey=("pre-switchover", "completed")),
            "patched": Expected(
                journey=("ready", "cancelled", "ready", "completed"),
                writers=(
                    "^block-job backup spare spare-target running$",
                    *mirrors(1) * 2,
                ),
                errors=("backup job 'spare' writes to it$",),
                stderr=(CUT_SHORT, CUT_OFF),
            ),
        },
    ),
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
        {
            "base": unnamed(),
            "patched": Expected(
                journey=("ready", "completed"),
                errors=("^migration-complete: .*nbd export 'spare' may write to it$",),
                writers=mirrors(1),
            ),
        },
    ),
)
