# SPDX-License-Identifier: GPL-2.0-or-later
"""Downtime with 1, 4 and 16 mirrored disks, and with shared storage instead."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from ..stories.migration import STATUS_SECONDS
from ..stories.rig import GUEST_SECONDS, Lab
from ..vm.vm import VM
from .blocking_qmp import BlockingQMP, connect
from .case import Case, Figures, NotOffered, Variant
from .measured_rig import TRACED, MeasuredRig, Setup

DISKS = (1, 4, 16)
# A mirror that is behind has to catch up first.
READY_SECONDS = 90.0
Way = Callable[[MeasuredRig, BlockingQMP], Awaitable[None]]


async def plain(rig: MeasuredRig, _client: BlockingQMP) -> None:
    """Migrate, and leave the mirrors to QEMU."""
    await rig.migrate()


async def libvirt(rig: MeasuredRig, client: BlockingQMP) -> None:
    """What libvirt does: pause, a soft cancel of each, wait, continue."""
    await rig.settings.capability("pause-before-switchover")
    await rig.migrate()
    await client.event("MIGRATION", READY_SECONDS, status="pre-switchover")
    await _end_mirrors(rig, client)
    await client.execute("migrate-continue", state="pre-switchover")


async def by_hand(rig: MeasuredRig, client: BlockingQMP) -> None:
    """The same in `ready`."""
    await _into_ready(rig, client)
    await _end_mirrors(rig, client)
    await client.execute("migration-complete")


async def release(rig: MeasuredRig, client: BlockingQMP) -> None:
    """In `ready` let QEMU release the mirrors."""
    if not await offers(rig.source, "migration-complete", "release"):
        raise NotOffered("migration-complete has no argument release")
    await _into_ready(rig, client)
    await client.execute("migration-complete", release=True)


async def _into_ready(rig: MeasuredRig, client: BlockingQMP) -> None:
    await rig.settings.capability("pause-at-complete")
    await rig.migrate()
    await client.event("MIGRATION_READY", READY_SECONDS)


async def _end_mirrors(rig: MeasuredRig, client: BlockingQMP) -> None:
    for i in rig.disks:
        await client.execute("block-job-cancel", device=f"m{i}")
    for i in rig.disks:
        await client.event("BLOCK_JOB_COMPLETED", GUEST_SECONDS, device=f"m{i}")


async def offers(vm: VM, command: str, argument: str) -> bool:
    """Whether a command of this QEMU has an argument of this name."""
    schema = {item["name"]: item for item in await vm.qmp("query-qmp-schema")}
    if command not in schema:
        return False
    arguments = schema[schema[command]["arg-type"]]
    return any(member["name"] == argument for member in arguments["members"])


@dataclass(frozen=True)
class Switchover:
    """Boot, mirror if storage isn't shared, switch over in one way."""

    setup: Setup
    way: Way
    seconds: float = STATUS_SECONDS

    async def __call__(self, lab: Lab) -> Figures:
        rig = MeasuredRig(replace(lab, traced=TRACED), self.setup)
        try:
            await self.prepare(rig)
            async with connect(rig.source) as client:
                await self.way(rig, client)
                await client.event("MIGRATION", self.seconds, status="completed")
            for vm in (rig.source, rig.destination):
                await vm.wait_event("MIGRATION", self.seconds, status="completed")
            return rig.downtime()
        finally:
            await rig.kill()

    async def prepare(self, rig: MeasuredRig) -> None:
        """All that is done before the migration starts."""
        await rig.up()


SHARED = ("base, shared storage", "patched, shared storage")


def _variants(setup: Setup) -> tuple[Variant, ...]:
    shared = replace(setup, shared=True)
    return (
        Variant(SHARED[0], "base", Switchover(shared, plain)),
        Variant(SHARED[1], "patched", Switchover(shared, plain)),
        Variant("base, as libvirt does", "base", Switchover(setup, libvirt)),
        Variant("patched, as libvirt does", "patched", Switchover(setup, libvirt)),
        Variant("patched, ready by hand", "patched", Switchover(setup, by_hand)),
        Variant("patched, release", "patched", Switchover(setup, release)),
    )


def _case(disks: int, slow_flush: bool) -> Case:
    name = f"downtime-{disks}" + ("-flush" if slow_flush else "")
    plural = "disk" if disks == 1 else "disks"
    title = f"{disks} {plural}, quiet link" + (", a flush takes 5 ms" * slow_flush)
    setup = Setup(disks=disks, slow_flush=slow_flush)
    return Case(name, title, "downtime", "ms", _variants(setup), SHARED)


CASES = tuple(_case(disks, flush) for flush in (False, True) for disks in DISKS)
