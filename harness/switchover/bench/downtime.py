# SPDX-License-Identifier: GPL-2.0-or-later
"""Downtime with 1, 4 and 16 mirrored disks, and with shared storage instead."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from ..stories.migration import STATUS_SECONDS
from ..stories.rig import GUEST_SECONDS, Lab
from ..vm.vm import VM
from .blocking_qmp import Prompt
from .case import Case, Figures, NotOffered, Variant
from .measured_rig import TRACED, Pair, Setup

DISKS = (1, 4, 16)
# A mirror that is behind has to catch up first.
READY_SECONDS = 90.0
Way = Callable[[Pair, Prompt], Awaitable[None]]


async def plain(pair: Pair, _prompt: Prompt) -> None:
    """Migrate, and leave the mirrors to QEMU."""
    await pair.migrate()


async def libvirt(pair: Pair, prompt: Prompt) -> None:
    """What libvirt does: pause, a soft cancel of each, wait, continue."""
    await pair.capability("pause-before-switchover")
    await pair.migrate()
    await prompt.event("MIGRATION", READY_SECONDS, status="pre-switchover")
    await _end_mirrors(pair, prompt)
    await prompt.execute("migrate-continue", state="pre-switchover")


async def by_hand(pair: Pair, prompt: Prompt) -> None:
    """The same in `ready`."""
    await _into_ready(pair, prompt)
    await _end_mirrors(pair, prompt)
    await prompt.execute("migration-complete")


async def release(pair: Pair, prompt: Prompt) -> None:
    """In `ready` let QEMU release the mirrors."""
    if not await offers(pair.source, "migration-complete", "release"):
        raise NotOffered("migration-complete has no argument release")
    await _into_ready(pair, prompt)
    await prompt.execute("migration-complete", release=True)


async def _into_ready(pair: Pair, prompt: Prompt) -> None:
    await pair.capability("pause-at-complete")
    await pair.migrate()
    await prompt.event("MIGRATION_READY", READY_SECONDS)


async def _end_mirrors(pair: Pair, prompt: Prompt) -> None:
    for i in pair.disks:
        await prompt.execute("block-job-cancel", device=f"m{i}")
    for i in pair.disks:
        await prompt.event("BLOCK_JOB_COMPLETED", GUEST_SECONDS, device=f"m{i}")


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
        pair = Pair(replace(lab, traced=TRACED), self.setup)
        try:
            await self.prepare(pair)
            completed = {"status": "completed"}
            async with pair.prompt() as prompt:
                await self.way(pair, prompt)
                await prompt.event("MIGRATION", self.seconds, **completed)
            for vm in (pair.source, pair.destination):
                await vm.wait_event("MIGRATION", self.seconds, **completed)
            return pair.downtime()
        finally:
            await pair.kill()

    async def prepare(self, pair: Pair) -> None:
        """All that is done before the migration starts."""
        await pair.up()


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
