# SPDX-License-Identifier: GPL-2.0-or-later
"""The destination dies or stalls, in each phase.

As long as the source owns the disks its guest runs on, and it is told why. On unpatched
QEMU the phases are those of its own pause.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from ..judging.oracle import Expected
from ..stories.migration import Migration
from ..stories.rig import Rig, Scenario
from . import steps
from .outcomes import AGAIN, COMPLETED, CUT_OFF, CUT_SHORT, NOT_SAVED, both, waited_for

Fault = Callable[[Rig, Migration], Awaitable[None]]
UNNOTICED = "nobody notices that the destination has died"


async def killed(rig: Rig, migration: Migration) -> None:
    """The destination dies: the guest runs on."""
    await rig.destination.kill()
    if await migration.notices():
        await migration.landmark()
    else:
        rig.notes.errors.append(UNNOTICED)
        await migration.cancel()
    await rig.run_at_source()


async def stalled(rig: Rig, migration: Migration) -> None:
    """Cancelled while the destination stalls, the guest runs on; another gets it."""
    rig.destination.stall()
    await steps.cancel(rig, migration)
    rig.destination.wake()
    await rig.jobs.catch_up()
    await again(rig)


async def again(rig: Rig) -> None:
    """The mirrors are as they were; another destination gets the guest."""
    await steps.mirrors_are(rig, "ready")
    await steps.again(rig)


@dataclass(frozen=True)
class Before(Scenario):
    """The destination is `lost`, or stalls, while RAM is being transferred."""

    lost: Fault = killed

    async def run(self, rig: Rig) -> None:
        await steps.start(rig)
        await rig.settings.pausing()
        await self.lost(rig, await steps.held(rig))


@dataclass(frozen=True)
class InPause(Scenario):
    """The same in the pause, with the NBD server."""

    lost: Fault = killed

    async def run(self, rig: Rig) -> None:
        await steps.start(rig)
        await self.lost(rig, await steps.pause(rig))


class KilledAlone(Scenario):
    """It dies in the pause, but not the NBD server: a second migration completes."""

    async def run(self, rig: Rig) -> None:
        await steps.start_apart(rig)
        await killed(rig, await steps.pause(rig))
        await again(rig)


@dataclass(frozen=True)
class InRelease(steps.Release):
    """It is lost while the mirrors are released, and the NBD server with it."""

    lost: Fault = killed

    async def releasing(self, rig: Rig, migration: Migration) -> None:
        await self.lost(rig, migration)


class StalledInSending(Scenario):
    """The destination stalls when most of RAM is still to be sent, and wakes up."""

    async def run(self, rig: Rig) -> None:
        await steps.start_apart(rig)
        await rig.settings.converge_at_once()
        await rig.settings.hold_ram()
        async with rig.watch():
            migration = await steps.pause(rig)
            rig.destination.stall()
            by_itself = await migration.release()
            await asyncio.sleep(steps.STALL_SECONDS)
            rig.destination.wake()
            end = steps.released if by_itself else steps.end_afterwards
            await end(rig, migration)


class KilledInHandover(steps.Handover):
    """Then it dies: the guest runs on at the source."""

    async def fault(self, rig: Rig, migration: Migration) -> None:
        await rig.destination.kill()
        await migration.landmark()
        await rig.run_at_source()
        await again(rig)


class StalledInHandover(steps.Handover):
    """Its connection is cut by management: the guest runs on at the source."""

    async def fault(self, rig: Rig, migration: Migration) -> None:
        await asyncio.sleep(steps.STALL_SECONDS)
        await rig.source.yank("migration")
        await migration.landmark()
        rig.destination.wake()
        await rig.run_at_source()
        await again(rig)


# Of a connection whose other end is gone.
LOST = r"(closed the connection|Broken pipe|Connection reset|Input/output error)"
FAILED = rf"^source: .*({LOST}|{NOT_SAVED})"


def failed(*journey: str, stderr: tuple[str, ...] = (FAILED,)) -> Expected:
    """It ends when the connection is lost, and says so."""
    return Expected(journey=journey, errors=(LOST,), stderr=stderr)


def unnoticed(*journey: str) -> dict[str, Expected]:
    """Base goes on only when it is told to; patched has failed by itself."""
    cancelled = Expected(
        journey=("ready", "cancelled", *journey),
        errors=(f"^{UNNOTICED}$",),
        stderr=(CUT_OFF, FAILED),
    )
    patched = both(failed("ready", "failed", *journey))["patched"]
    return {"base": both(cancelled)["base"], "patched": patched}


CANCELLED = Expected(journey=AGAIN, stderr=(CUT_SHORT, CUT_OFF))

SCENARIOS = (
    Before(
        "killed-destination",
        "the destination dies during the RAM phase",
        both(failed("failed")),
    ),
    InPause(
        "killed-destination-in-ready", "the destination dies in the pause", unnoticed()
    ),
    KilledAlone(
        "killed-destination-in-ready-again",
        "the same, but its NBD server lives; migrate again",
        unnoticed(*COMPLETED),
    ),
    InRelease(
        "killed-destination-in-release",
        "the destination dies while a mirror is released",
        waited_for(failed("ready", "failed")),
    ),
    KilledInHandover(
        "killed-destination-in-handover",
        "the destination dies before the end of the stream; migrate again",
        both(failed("ready", "failed", *COMPLETED)),
    ),
    Before(
        "stalled-destination",
        "the destination stalls during the RAM phase; cancel, migrate again",
        both(replace(CANCELLED, journey=("cancelled", *COMPLETED))),
        lost=stalled,
    ),
    InPause(
        "stalled-destination-in-ready",
        "the destination stalls in the pause; cancel, migrate again",
        both(CANCELLED),
        lost=stalled,
    ),
    InRelease(
        "stalled-destination-in-release",
        "the destination stalls while a mirror is released; cancel, migrate again",
        waited_for(CANCELLED),
        lost=stalled,
    ),
    StalledInSending(
        "stalled-destination-with-ram-left",
        "the destination stalls for 2 s when RAM is still to be sent",
        both(Expected(journey=COMPLETED)),
    ),
    StalledInHandover(
        "stalled-destination-in-handover",
        "the destination stalls before the end of the stream; yank, migrate again",
        both(failed("ready", "failed", *COMPLETED, stderr=(FAILED, CUT_SHORT))),
    ),
)
