# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios in their portable form: for a QEMU of any age, without Linux."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .portable_rig import IN_FLIGHT, SLOW_JOB, Stage


@dataclass(frozen=True)
class Flow:
    """A story that goes by what the QEMU offers; `title` is one short line."""

    name: str
    title: str

    async def run(self, stage: Stage) -> None:
        """Tell it. Unsuitable, Refused, Died, Hang may pass."""
        raise NotImplementedError


class ThrottledMirror(Flow):
    """No guest; the copy of the disk takes longer than the migration."""

    async def run(self, stage: Stage) -> None:
        await stage.open(with_guest=False)
        await self.mirror(stage)
        await stage.start_to_nowhere()
        await stage.landmark()
        await stage.full_speed()
        await stage.are_ready()
        await stage.stop_mirror()
        await stage.compare()

    async def mirror(self, stage: Stage) -> None:
        await stage.drive_mirror("target.raw", speed=SLOW_JOB)


class ThrottledBlockdevMirror(ThrottledMirror):
    """The same with the command that takes a node."""

    async def mirror(self, stage: Stage) -> None:
        await stage.blockdev_mirror("target.raw", speed=SLOW_JOB)


class ReadyMirror(Flow):
    """A READY mirror over a link that is slower than the guest writes."""

    async def run(self, stage: Stage) -> None:
        await ready(stage, buf_size=IN_FLIGHT)
        await stage.fall_behind()
        await stage.start_to_nowhere()
        await stage.landmark()
        await stage.full_speed()
        await stage.stop_mirror()
        await stage.compare()


@dataclass(frozen=True)
class UnfinishedMigration(Flow):
    """To a real destination while most of the disk is to be copied."""

    pause: bool = False

    async def run(self, stage: Stage) -> None:
        await stage.open(with_guest=True)
        if self.pause:
            await stage.pause_before_switchover()
        await stage.open_destination()
        await stage.writing()
        await stage.mirror_to_destination(speed=SLOW_JOB)
        await stage.start_to_destination()
        status = await stage.landmark()
        if status == "pre-switchover":
            status = await stage.go_on()
        if status == "completed":
            await stage.is_there()
            await stage.may_die()
            return
        await stage.writing()


class LostTarget(Flow):
    """The mirror's target goes away while RAM is being transferred."""

    async def run(self, stage: Stage) -> None:
        await ready(stage)
        await stage.hold_ram()
        await stage.start_to_destination()
        await stage.link.cut()
        await stage.mirror_ends()
        await stage.writing()
        await stage.hold_ram(False)
        if await stage.landmark() == "completed":
            await stage.is_there()


@dataclass(frozen=True)
class CarefulClient(Flow):
    """The mirror is READY, and is ended: in the pause, or after `completed`."""

    pause: bool = True

    async def run(self, stage: Stage) -> None:
        await ready(stage, self.pause)
        await stage.start_to_destination()
        if await stage.landmark() == "pre-switchover":
            await stage.stop_mirror()
            await stage.go_on()
        if stage.status == "completed":
            await stage.is_there()
            if not self.pause:
                await stage.stop_mirror()


async def ready(stage: Stage, pause: bool = False, **options: Any) -> None:
    """A guest that writes, and a mirror to the destination that is READY."""
    await stage.open(with_guest=True)
    if pause:
        await stage.pause_before_switchover()
    await stage.open_destination()
    await stage.writing()
    await stage.mirror_to_destination(**options)
    await stage.are_ready()


FLOWS = (
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
BY_NAME = {flow.name: flow for flow in FLOWS}
