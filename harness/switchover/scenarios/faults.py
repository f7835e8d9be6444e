# SPDX-License-Identifier: GPL-2.0-or-later
"""The destination dies or stalls, or its NBD server ends, in each phase.

As long as the source owns the disks its guest runs on, and it is told why. On unpatched
QEMU the phases are those of its own pause.
"""

from __future__ import annotations

import asyncio

from ..judging.oracle import Expected
from ..stories.migration import Migration
from ..stories.rig import Rig
from ..stories.scenario import Scenario
from . import waiting
from .release import (
    CUT_OFF,
    NOT_SAVED,
    Release,
    hand_over,
    mirrors,
    mirrors_are_ready,
    outcomes,
    pause,
    pause_behind,
)
from .unfinished import CUT_SHORT
from .waiting import JOB_FAILED, NOT_ANSWERED, held

# For as long the source is watched: does it answer?
STALL_SECONDS = 2.0
UNNOTICED = "nobody notices that the destination has died"


class KilledBefore(Scenario):
    """The destination dies while RAM is being transferred."""

    async def run(self, rig: Rig) -> None:
        await waiting.start(rig)
        await rig.settings.pausing()
        migration = await held(rig)
        await rig.destination.kill()
        await migration.landmark()
        await rig.run_at_source()


class KilledInPause(Scenario):
    """The destination dies in the pause, and its NBD server with it."""

    async def run(self, rig: Rig) -> None:
        await waiting.start(rig)
        migration = await pause(rig)
        await rig.destination.kill()
        await gone(rig, migration)


async def gone(rig: Rig, migration: Migration) -> None:
    """The destination has died in the pause: the guest runs on."""
    if await migration.notices():
        await migration.landmark()
    else:
        rig.notes.errors.append(UNNOTICED)
        await migration.cancel()
    await rig.run_at_source()


class KilledAlone(Scenario):
    """The same with the NBD server in another process: a second migration completes."""

    async def run(self, rig: Rig) -> None:
        await start_apart(rig)
        migration = await pause(rig)
        await rig.destination.kill()
        await gone(rig, migration)
        await again(rig)


async def start_apart(rig: Rig) -> None:
    """Mirrors are in sync with an NBD server that is not the destination's."""
    await waiting.start(rig, copy_mode="write-blocking")
    await rig.new_destination()


async def again(rig: Rig) -> None:
    """The mirrors are as they were; another destination gets the guest."""
    await mirrors_are_ready(rig)
    await rig.new_destination()
    await rig.settings.let_ram_go()
    await hand_over(rig, await pause(rig))


class KilledInRelease(Release):
    """The destination dies while the mirrors are released, and its NBD server."""

    async def releasing(self, rig: Rig, migration: Migration) -> None:
        await rig.destination.kill()
        await gone(rig, migration)


class StalledBefore(Scenario):
    """The destination stalls while RAM is being transferred: it can be cancelled."""

    async def run(self, rig: Rig) -> None:
        await waiting.start(rig)
        await rig.settings.pausing()
        migration = await held(rig)
        await stalled(rig, migration)


class StalledInPause(Scenario):
    """The destination stalls in the pause: it can be cancelled."""

    async def run(self, rig: Rig) -> None:
        await waiting.start(rig)
        await stalled(rig, await pause(rig))


class StalledInRelease(Release):
    """The destination stalls, with its NBD server, while mirrors are released."""

    async def releasing(self, rig: Rig, migration: Migration) -> None:
        await stalled(rig, migration)


async def stalled(rig: Rig, migration: Migration) -> None:
    """Cancelled while the destination stalls, the guest runs on; another one gets it."""
    rig.destination.stall()
    await migration.cancel()
    await rig.run_at_source()
    rig.destination.wake()
    await rig.jobs.catch_up()
    await again(rig)


class ServerGoneInPause(Scenario):
    """The NBD server ends in the pause, and with it a mirror that is behind."""

    async def run(self, rig: Rig) -> None:
        await waiting.start_behind(rig)
        migration = await pause_behind(rig)
        await rig.link.disconnect()
        await rig.jobs.catch_up()
        await rig.jobs.broken()
        if await migration.release():
            await migration.release_failed()
            await rig.has_everything()
            await migration.cancel()
            await rig.run_at_source()
        else:
            await waiting.arrive(rig, migration)


class StalledTarget(Scenario):
    """The mirrors' target stalls while RAM is being transferred, and wakes up again."""

    async def run(self, rig: Rig) -> None:
        await waiting.start(rig)
        await rig.new_destination()
        await rig.settings.pausing()
        migration = await held(rig)
        async with rig.watch():
            rig.storage.stall()
            # What it writes now is on the way to the target.
            await rig.running(rig.source)
            await rig.settings.let_ram_go()
            await asyncio.sleep(STALL_SECONDS)
            rig.storage.wake()
            await migration.paused()
            await hand_over(rig, migration)


class StalledTargetInRelease(Scenario):
    """The mirrors' target stalls when they are to be released, and wakes up again.

    They are paused at first, so that they have something to copy in the pause: no
    more than they can have on the way at once.
    """

    async def run(self, rig: Rig) -> None:
        await waiting.start(rig)
        await rig.new_destination()
        await rig.jobs.pause()
        await rig.running(rig.source)
        async with rig.watch():
            migration = await pause(rig)
            rig.storage.stall()
            await rig.jobs.resume()
            await asyncio.sleep(STALL_SECONDS / 2)
            # The source may not answer before the target does.
            by_itself, _ = await asyncio.gather(migration.release(), waking(rig))
            await waiting.arrive(rig, migration)
            await (rig.jobs.ended() if by_itself else rig.jobs.end())
            await rig.run_at_destination()


async def waking(rig: Rig) -> None:
    """Let the target wake up after a while."""
    await asyncio.sleep(STALL_SECONDS / 2)
    rig.storage.wake()


class StalledInSending(Scenario):
    """The destination stalls when most of RAM is still to be sent, and wakes up."""

    async def run(self, rig: Rig) -> None:
        await start_apart(rig)
        await rig.settings.converge_at_once()
        await rig.settings.hold_ram()
        async with rig.watch():
            migration = await pause(rig)
            rig.destination.stall()
            by_itself = await migration.release()
            await asyncio.sleep(STALL_SECONDS)
            rig.destination.wake()
            await waiting.arrive(rig, migration)
            await (rig.jobs.ended() if by_itself else rig.jobs.end())
            await rig.run_at_destination()


class Handover(Scenario):
    """After the release: the disks are inactive, and devices are still to be sent.

    The destination stalls before it can get that.
    """

    async def run(self, rig: Rig) -> None:
        await waiting.start(rig, copy_mode="write-blocking")
        await rig.weigh_down()
        await rig.new_destination()
        async with rig.watch():
            migration = await pause(rig)
            await migration.ram_is_sent()
            rig.destination.stall()
            # The source may not answer before it can go on sending.
            await asyncio.gather(migration.release(), self._fault(rig, migration))

    async def _fault(self, rig: Rig, migration: Migration) -> None:
        await migration.reaches("device")
        await self.fault(rig, migration)

    async def fault(self, rig: Rig, migration: Migration) -> None:
        """What else happens, and what becomes of it."""
        raise NotImplementedError


class KilledInHandover(Handover):
    """Then it dies: the guest runs on at the source."""

    async def fault(self, rig: Rig, migration: Migration) -> None:
        await rig.destination.kill()
        await migration.landmark()
        await rig.run_at_source()
        await again(rig)


class StalledInHandover(Handover):
    """Its connection is cut by management: the guest runs on at the source."""

    async def fault(self, rig: Rig, migration: Migration) -> None:
        await asyncio.sleep(STALL_SECONDS)
        await rig.source.yank("migration")
        await migration.landmark()
        rig.destination.wake()
        await rig.run_at_source()
        await again(rig)


class ServerGoneInHandover(Handover):
    """The NBD server ends; nobody needs it any more, and the destination goes on."""

    async def fault(self, rig: Rig, migration: Migration) -> None:
        await rig.link.disconnect()
        rig.destination.wake()
        await waiting.arrive(rig, migration)
        if await rig.jobs.statuses():
            await rig.jobs.end()
        else:
            await rig.jobs.ended()
        await rig.run_at_destination()


# Of a connection whose other end is gone.
LOST = r"(closed the connection|Broken pipe|Connection reset|Input/output error)"
FAILED = rf"^source: .*({LOST}|{NOT_SAVED})"


def both(*journey: str, **details: object) -> dict[str, Expected]:
    """Both builds do the same, each from its own pause; patched lists the mirror."""
    old = tuple("pre-switchover" if s == "ready" else s for s in journey)
    listed = mirrors(1) * journey.count("ready")
    return {
        "base": Expected(journey=old, **details),
        "patched": Expected(journey=journey, writers=listed, **details),
    }


def unnoticed(*journey: str) -> dict[str, Expected]:
    """Base goes on only when it is told to; patched has failed by itself."""
    lost = {"errors": (LOST,), "stderr": (FAILED,)}
    patched = both("ready", "failed", *journey, **lost)["patched"]
    cancel = {"errors": (f"^{UNNOTICED}$",), "stderr": (CUT_OFF, FAILED)}
    base = both("ready", "cancelled", *journey, **cancel)["base"]
    return {"base": base, "patched": patched}


AGAIN = ("ready", "completed")
CUT = {"stderr": (CUT_SHORT, CUT_OFF)}

SCENARIOS = (
    KilledBefore(
        "killed-destination",
        "the destination dies during the RAM phase",
        both("failed", errors=(LOST,), stderr=(FAILED,)),
    ),
    KilledInPause(
        "killed-destination-in-ready",
        "the destination dies in the pause",
        unnoticed(),
    ),
    KilledAlone(
        "killed-destination-in-ready-again",
        "the same, but its NBD server lives; migrate again",
        unnoticed(*AGAIN),
    ),
    KilledInRelease(
        "killed-destination-in-release",
        "the destination dies while a mirror is released",
        outcomes(
            *("ready", "failed"), writers=mirrors(1), errors=(LOST,), stderr=(FAILED,)
        ),
    ),
    KilledInHandover(
        "killed-destination-in-handover",
        "the destination dies before the end of the stream; migrate again",
        both("ready", "failed", *AGAIN, errors=(LOST,), stderr=(FAILED,)),
    ),
    StalledBefore(
        "stalled-destination",
        "the destination stalls during the RAM phase; cancel, migrate again",
        both("cancelled", *AGAIN, **CUT),
    ),
    StalledInPause(
        "stalled-destination-in-ready",
        "the destination stalls in the pause; cancel, migrate again",
        both("ready", "cancelled", *AGAIN, **CUT),
    ),
    StalledInRelease(
        "stalled-destination-in-release",
        "the destination stalls while a mirror is released; cancel, migrate again",
        outcomes("ready", "cancelled", *AGAIN, writers=mirrors(1) * 2, **CUT),
    ),
    StalledInSending(
        "stalled-destination-with-ram-left",
        "the destination stalls for 2 s when RAM is still to be sent",
        both("ready", "completed"),
    ),
    StalledInHandover(
        "stalled-destination-in-handover",
        "the destination stalls before the end of the stream; yank, migrate again",
        both("ready", "failed", *AGAIN, errors=(LOST,), stderr=(FAILED, CUT_SHORT)),
    ),
    ServerGoneInPause(
        "dead-target-in-ready",
        "the NBD server ends in the pause",
        {
            "base": Expected(
                journey=("pre-switchover", "completed"),
                blocks_lost=True,
                records_lost=True,
                stderr=(NOT_ANSWERED,),
            ),
            "patched": Expected(
                journey=("ready", "cancelled"),
                writers=mirrors(1),
                errors=(JOB_FAILED,),
                stderr=(CUT_SHORT, CUT_OFF, NOT_ANSWERED),
            ),
        },
    ),
    ServerGoneInHandover(
        "dead-target-in-handover",
        "the NBD server ends before the end of the stream",
        {
            **both("ready", "completed"),
            "base": Expected(
                journey=("pre-switchover", "completed"),
                errors=("^job m0: Input/output error$",),
            ),
        },
    ),
    StalledTarget(
        "stalled-target",
        "the mirrors' target stalls for 2 s during the RAM phase",
        both("ready", "completed"),
    ),
    StalledTargetInRelease(
        "stalled-target-in-release",
        "the mirrors' target stalls when they are released",
        {
            "base": Expected(journey=("pre-switchover", "completed")),
            "patched": Expected(
                journey=("ready", "completed"), writers=mirrors(1, "standby")
            ),
        },
    ),
)
