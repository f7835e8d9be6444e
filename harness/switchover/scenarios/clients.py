# SPDX-License-Identifier: GPL-2.0-or-later
"""What management tools do today has to go on working, unchanged."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from ..judging.oracle import Expected
from ..stories.migration import Migration
from ..stories.rig import Rig, Scenario
from . import steps
from .outcomes import MIRROR_LOST, PLAIN, TOO_EARLY, unchanged

# Proxmox turns off all but these; it has no "events", by which this harness sees.
PROXMOX_KEEPS = ("auto-converge", "xbzrle", "events")
INCUS_SECONDS = 0.2


class Libvirt(Scenario):
    """In the pause: end the mirrors, wait, drop their targets, continue."""

    async def run(self, rig: Rig) -> None:
        await steps.start_behind(rig)
        migration = await steps.pause_before_switchover(rig)
        await rig.jobs.cancel()
        await rig.jobs.catch_up()
        await rig.jobs.ended()
        await migration.go_on()
        await steps.switched_over(rig, migration)


@dataclass(frozen=True)
class Proxmox(Scenario):
    """Write-blocking mirrors, cancelled only after `completed`.

    The NBD server may be gone by then.
    """

    server_gone: bool = False

    async def run(self, rig: Rig) -> None:
        await steps.start(rig, copy_mode="write-blocking")
        await rig.settings.capabilities_but(PROXMOX_KEEPS)
        migration = await rig.migrate()
        await steps.arrive(rig, migration)
        if self.server_gone:
            await rig.link.disconnect()
        await rig.jobs.end()
        await rig.run_at_destination()


@dataclass(frozen=True)
class CancelAndContinue(Scenario):
    """In the pause: cancel the mirrors, and continue without waiting for them."""

    seconds: float = 0

    async def run(self, rig: Rig) -> None:
        await steps.start(rig, copy_mode="write-blocking")
        migration = await steps.pause_before_switchover(rig)
        await rig.jobs.cancel()
        await asyncio.sleep(self.seconds)
        await migration.go_on()
        await steps.released(rig, migration)


class CancelBehindAndContinue(steps.LeftRunning):
    """The same with mirrors that still have something to copy."""

    async def migrate(self, rig: Rig) -> Migration:
        migration = await steps.pause_before_switchover(rig)
        await rig.jobs.cancel()
        await migration.go_on()
        return migration

    async def waiting(self, rig: Rig, migration: Migration) -> None:
        await rig.jobs.catch_up()
        await steps.released(rig, migration)


PAUSED = Expected(journey=("pre-switchover", "completed"))

SCENARIOS = (
    Libvirt(
        "libvirt",
        "libvirt: in the pause end the mirrors, wait, continue",
        unchanged(PAUSED),
        disks=2,
    ),
    steps.LeftRunning(
        "libvirt-without-pause",
        "old libvirt: end the mirrors only after completed",
        {"base": TOO_EARLY, "patched": PLAIN},
    ),
    Proxmox(
        "proxmox",
        "Proxmox: write-blocking mirrors, end them after completed",
        unchanged(PLAIN),
        disks=2,
    ),
    Proxmox(
        "proxmox-server-gone",
        "Proxmox, with the NBD server gone when the mirrors end",
        {"base": replace(PLAIN, errors=(MIRROR_LOST,)), "patched": PLAIN},
        server_gone=True,
    ),
    CancelAndContinue(
        "incus",
        "Incus: in the pause end the mirrors, sleep, continue",
        unchanged(PAUSED),
        seconds=INCUS_SECONDS,
    ),
    CancelAndContinue(
        "lxd", "LXD: in the pause end the mirrors, continue at once", unchanged(PAUSED)
    ),
    CancelBehindAndContinue(
        "lxd-behind",
        "the same with a background mirror that is behind",
        {"base": replace(TOO_EARLY, journey=PAUSED.journey), "patched": PAUSED},
    ),
)
