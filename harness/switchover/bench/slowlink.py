# SPDX-License-Identifier: GPL-2.0-or-later
"""Downtime over a link on which the mirror is far behind, and the guest writes on."""

from __future__ import annotations

from dataclasses import dataclass

from ..guest import disk
from .case import Case, Variant
from .downtime import READY_SECONDS, Switchover, Way, by_hand, libvirt, release
from .measured_rig import DOWNTIME_LIMIT_MS, MeasuredRig, Setup

LINK = 5_000_000  # bytes per second
BEHIND = 20 * disk.MIB
SLOW_WRITER, FAST_WRITER = 2_000_000, 20_000_000  # bytes per second
# Fast, but not so fast that it writes much more than that before it is slowed down.
FALL_BEHIND = 40_000_000  # bytes per second
# Blocks of 64 KiB, one after the other: as fast as the source's disk lets it.
SETUP = Setup(throttled=True, task="block=65536 rate=0", size=disk.SIZE)


@dataclass(frozen=True)
class Behind(Switchover):
    """The mirror is 20 MiB behind when the migration starts."""

    writer: int = SLOW_WRITER
    auto_converge: bool = False

    async def prepare(self, rig: MeasuredRig) -> None:
        await rig.boot()
        limit = {"downtime_limit": DOWNTIME_LIMIT_MS}
        await rig.source.qmp("migrate-set-parameters", **limit)
        if self.auto_converge:
            await rig.settings.capability("auto-converge")
        await rig.limit_writes(SLOW_WRITER)
        await rig.link.connect()
        await rig.jobs.mirror_until_ready()
        await rig.link.throttle(LINK)
        await rig.limit_writes(FALL_BEHIND)
        await rig.jobs.are_behind(BEHIND, READY_SECONDS)
        await rig.limit_writes(self.writer)


def _variants(writer: int, auto_converge: bool) -> tuple[Variant, ...]:
    def variant(name: str, build: str, way: Way) -> Variant:
        return Variant(
            name, build, Behind(SETUP, way, READY_SECONDS, writer, auto_converge)
        )

    return (
        variant("base, as libvirt does", "base", libvirt),
        variant("patched, ready by hand", "patched", by_hand),
        variant("patched, release", "patched", release),
    )


CASES = (
    Case(
        "slow-link",
        "20 MiB behind on a link of 5 MB/s, the guest writes 2 MB/s",
        "stopped",
        "ms",
        _variants(SLOW_WRITER, auto_converge=False),
        bound=DOWNTIME_LIMIT_MS,
    ),
    Case(
        "slow-link-fast-writer",
        "the same, the guest writes 20 MB/s, auto-converge",
        "stopped",
        "ms",
        _variants(FAST_WRITER, auto_converge=True),
        bound=DOWNTIME_LIMIT_MS,
    ),
)
