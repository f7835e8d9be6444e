# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios in their portable form: for a QEMU of any age, without Linux."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .portable_mirror import IN_FLIGHT, SLOW_JOB
from .portable_rig import PortableRig


@dataclass(frozen=True)
class PortableScenario:
    """A story that goes by what the QEMU offers; `title` is one short line."""

    name: str
    title: str

    async def run(self, rig: PortableRig) -> None:
        """Tell it. Unsuitable, Refused, Died, Hang may pass."""
        raise NotImplementedError


class ThrottledMirror(PortableScenario):
    """No guest; the copy of the disk takes longer than the migration."""

    async def run(self, rig: PortableRig) -> None:
        await rig.open(with_guest=False)
        await self.mirror(rig)
        await rig.start_to_nowhere()
        await rig.landmark()
        await rig.mirror.full_speed()
        await rig.mirror.is_ready()
        await rig.mirror.stop()
        await rig.compare()

    async def mirror(self, rig: PortableRig) -> None:
        await rig.mirror.start("target.raw", speed=SLOW_JOB)


class ThrottledBlockdevMirror(ThrottledMirror):
    """The same with the command that takes a node."""

    async def mirror(self, rig: PortableRig) -> None:
        await rig.mirror.start_to_node("target.raw", speed=SLOW_JOB)


class ReadyMirror(PortableScenario):
    """A READY mirror over a link that is slower than the guest writes."""

    async def run(self, rig: PortableRig) -> None:
        await ready(rig, buf_size=IN_FLIGHT)
        await rig.mirror.fall_behind()
        await rig.start_to_nowhere()
        await rig.landmark()
        await rig.mirror.full_speed()
        await rig.mirror.stop()
        await rig.compare()


@dataclass(frozen=True)
class UnfinishedMigration(PortableScenario):
    """To a real destination while most of the disk is to be copied."""

    pause: bool = False

    async def run(self, rig: PortableRig) -> None:
        await rig.open(with_guest=True)
        if self.pause:
            await rig.pause_before_switchover()
        await rig.open_destination()
        await rig.writing()
        await rig.mirror.start_to_destination(speed=SLOW_JOB)
        await rig.start_to_destination()
        status = await rig.landmark()
        if status == "pre-switchover":
            status = await rig.go_on()
        if status == "completed":
            await rig.is_there()
            await rig.may_die()
            return
        await rig.writing()


class LostTarget(PortableScenario):
    """The mirror's target goes away while RAM is being transferred."""

    async def run(self, rig: PortableRig) -> None:
        await ready(rig)
        await rig.hold_ram()
        await rig.start_to_destination()
        await rig.link.cut()
        await rig.mirror.ends()
        await rig.writing()
        await rig.hold_ram(False)
        if await rig.landmark() == "completed":
            await rig.is_there()


@dataclass(frozen=True)
class CarefulClient(PortableScenario):
    """The mirror is READY, and is ended: in the pause, or after `completed`."""

    pause: bool = True

    async def run(self, rig: PortableRig) -> None:
        await ready(rig, self.pause)
        await rig.start_to_destination()
        if await rig.landmark() == "pre-switchover":
            await rig.mirror.stop()
            await rig.go_on()
        if rig.status == "completed":
            await rig.is_there()
            if not self.pause:
                await rig.mirror.stop()


async def ready(rig: PortableRig, pause: bool = False, **options: Any) -> None:
    """A guest that writes, and a mirror to the destination that is READY."""
    await rig.open(with_guest=True)
    if pause:
        await rig.pause_before_switchover()
    await rig.open_destination()
    await rig.writing()
    await rig.mirror.start_to_destination(**options)
    await rig.mirror.is_ready()


ALL = (
    ThrottledMirror("throttled-mirror", "drive-mirror is unfinished, exec:"),
    ThrottledBlockdevMirror(
        "throttled-blockdev-mirror", "blockdev-mirror is unfinished, exec:"
    ),
    ReadyMirror("ready-mirror", "drive-mirror is READY but behind, exec:"),
    UnfinishedMigration("unfinished-migration", "the mirror is unfinished"),
    UnfinishedMigration(
        "unfinished-continue", "migrate-continue, the mirror is unfinished", pause=True
    ),
    LostTarget("lost-target", "the mirror's target goes away meanwhile"),
    CarefulClient("cancel-in-pause", "cancel the READY mirror in pre-switchover"),
    CarefulClient(
        "cancel-after-completed", "cancel the READY mirror afterwards", pause=False
    ),
)
BY_NAME = {scenario.name: scenario for scenario in ALL}
