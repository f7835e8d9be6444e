# SPDX-License-Identifier: GPL-2.0-or-later
"""The NBD server of the mirrors' targets ends or stalls, in each phase."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from ..judging.oracle import Expected
from ..stories.migration import Migration
from ..stories.rig import Rig, Scenario
from . import steps
from .outcomes import (
    AGAIN,
    COMPLETED,
    CUT_OFF,
    CUT_SHORT,
    JOB_FAILED,
    LOST,
    MIRROR_LOST,
    NOT_ANSWERED,
    both,
    mirrors,
    older,
    waited_for,
)


class ServerGoneInPause(Scenario):
    """The NBD server ends in the pause, and with it a mirror that is behind."""

    async def run(self, rig: Rig) -> None:
        await steps.start_behind(rig)
        migration = await steps.pause_behind(rig)
        await rig.link.disconnect()
        await rig.jobs.catch_up()
        await rig.jobs.broken()
        if await migration.release():
            await migration.release_failed()
            await rig.has_everything()
            await steps.cancel(rig, migration)
        else:
            await steps.arrive(rig, migration)


class ServerGoneInHandover(steps.Handover):
    """The NBD server ends; nobody needs it any more, and the destination goes on."""

    async def fault(self, rig: Rig, migration: Migration) -> None:
        await rig.link.disconnect()
        rig.destination.wake()
        await steps.arrive(rig, migration)
        left = await rig.jobs.statuses()
        await (rig.jobs.end() if left else rig.jobs.ended())
        await rig.run_at_destination()


class StalledTarget(Scenario):
    """The mirrors' target stalls while RAM is being transferred, and wakes up again."""

    async def run(self, rig: Rig) -> None:
        await steps.start(rig)
        await rig.new_destination()
        await rig.settings.pausing()
        migration = await steps.held(rig)
        async with rig.watch():
            rig.storage.stall()
            # What it writes now is on the way to the target.
            await rig.running(rig.source)
            await rig.settings.let_ram_go()
            await asyncio.sleep(steps.STALL_SECONDS)
            rig.storage.wake()
            await migration.paused()
            await steps.hand_over(rig, migration)


class StalledTargetInRelease(Scenario):
    """The mirrors' target stalls when they are to be released, and wakes up again.

    They are paused at first, so that they have something to copy in the pause: no
    more than they can have on the way at once.
    """

    async def run(self, rig: Rig) -> None:
        await steps.start(rig)
        await rig.new_destination()
        await rig.jobs.pause()
        await rig.running(rig.source)
        async with rig.watch():
            migration = await steps.pause(rig)
            rig.storage.stall()
            await rig.jobs.resume()
            await asyncio.sleep(steps.STALL_SECONDS / 2)
            # The source may not answer before the target does.
            by_itself, _ = await asyncio.gather(migration.release(), waking(rig))
            end = steps.released if by_itself else steps.end_afterwards
            await end(rig, migration)


async def waking(rig: Rig) -> None:
    """Let the target wake up after a while."""
    await asyncio.sleep(steps.STALL_SECONDS / 2)
    rig.storage.wake()


class ServerGone(steps.Release):
    """The NBD server ends meanwhile, and with it the mirror: still `ready`.

    Cancelled, the guest runs on, and with a new server and mirror it migrates.
    """

    async def releasing(self, rig: Rig, migration: Migration) -> None:
        await rig.link.disconnect()
        await rig.jobs.catch_up()
        await migration.release_failed()
        await rig.has_everything()
        await steps.cancel(rig, migration)
        await rig.jobs.broken()
        await rig.link.reconnect()
        await rig.jobs.mirror_until_ready()
        await steps.again(rig)


SCENARIOS = (
    ServerGoneInPause(
        "dead-target-in-ready",
        "the NBD server ends in the pause",
        {
            "base": replace(LOST, journey=older(COMPLETED), stderr=(NOT_ANSWERED,)),
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
            **both(Expected(journey=COMPLETED)),
            "base": Expected(journey=older(COMPLETED), errors=(MIRROR_LOST,)),
        },
    ),
    ServerGone(
        "release-server-gone",
        "the NBD server ends while a mirror is released; cancel, migrate again",
        waited_for(
            Expected(
                journey=AGAIN,
                errors=(JOB_FAILED,),
                stderr=(CUT_SHORT, CUT_OFF, NOT_ANSWERED),
            )
        ),
    ),
    StalledTarget(
        "stalled-target",
        "the mirrors' target stalls for 2 s during the RAM phase",
        both(Expected(journey=COMPLETED)),
    ),
    StalledTargetInRelease(
        "stalled-target-in-release",
        "the mirrors' target stalls when they are released",
        both(Expected(journey=COMPLETED), *mirrors(1, "standby")),
    ),
)
