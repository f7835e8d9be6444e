# SPDX-License-Identifier: GPL-2.0-or-later
"""A source and a destination QEMU with mirrored disks, and what is told to them."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..guest.kernel import Guest
from ..judging.evidence import Notes
from ..judging.oracle import Expected
from ..qemu.build import Build
from ..vm import commandline, trace, transports
from ..vm.accel import Accel
from ..vm.vm import VM, Refused
from . import responsiveness
from .exported_disks import Shared
from .images import Images
from .jobs import Jobs
from .link import Link
from .migration import STATUS_SECONDS, Migration
from .settings import Settings
from .spare_disk import Spare

# With a sanitizer and without KVM, a guest takes more than 30 s to boot, and twice as
# long beside other work.
GUEST_SECONDS = 120.0
DEATH_SECONDS = 15.0
# Each of the network cards there has registers of 128 KiB.
HEAVY_SLOTS = ("0x1d", "0x1e", "0x1f")
# How many more records each disk has to acknowledge to show that a guest runs.
ALIVE_RECORDS = 5
# Of all disks together.
RECORDS_PER_SECOND = 60


@dataclass(frozen=True)
class Lab:
    """What a rig is made of: the programs, the guest, the accelerator, a folder.

    Each process writes the trace events that are `traced` to <name>.trace.
    """

    build: Build
    guest: Guest
    accel: Accel
    folder: Path
    traced: tuple[str, ...] = ()


class Rig:
    """One source, one destination, `disks` mirrored disks: disk i is node disk<i>.

    `destination` is the process that the next migration goes to, `storage` the
    one that has the NBD server. They are the same until a migration has failed:
    a QEMU takes one incoming migration in its life. `owner` is the side that goes
    on, once that is known. `agreed` and `transport` are as in Scenario.
    """

    def __init__(
        self,
        lab: Lab,
        disks: int,
        with_guest: bool = True,
        images: Images | None = None,
        throttled: bool = True,
    ) -> None:
        self.disks = range(disks)
        self.notes = Notes()
        self.vms: list[VM] = []
        self.owner: VM | None = None
        self.agreed: tuple[str, ...] = ()
        self.transport = "socket"
        self.images = images or Images(lab.folder, self.disks)
        self._lab = lab
        self._heavy = False
        # Of both sides: a guest that is reset boots wherever it is by then.
        self._kernel = self._boot() if with_guest else []
        options = self._kernel or ["-S"]
        group = "reads" if throttled else None
        self.source = self._vm("source", "source", options, group)
        self.destination = self.storage = self._destination("destination")
        self.settings = Settings(self.source, self.destination)
        self.link = Link(self.source, self.storage, self.disks, throttled)
        self.jobs = Jobs(self.source, self.link, self.disks, self.notes)
        self.spare = Spare(self.source, lab.build, self.notes)
        self.shared = Shared(self.source, self.storage, self.notes)

    def _boot(self) -> list[str]:
        rate = RECORDS_PER_SECOND // len(self.disks)
        return commandline.boot(self._lab.guest, f"rate={rate}")

    def _program(self) -> list[str]:
        return [str(self._lab.build.system)]

    def image(self, vm: VM, number: int) -> Path:
        """The image of a disk at a VM's side."""
        side = "source" if vm is self.source else "destination"
        return self.images.path(side, number)

    def _destination(self, name: str) -> VM:
        options = ["-incoming", "defer", "-S", *self._kernel]
        return self._vm(name, "destination", options)

    def _vm(
        self, name: str, side: str, options: list[str], group: str | None = None
    ) -> VM:
        command = self._program()
        command += commandline.machine(self._lab.accel.name)
        command += commandline.throttle_group(group) if group else []
        for i in self.disks:
            command += commandline.disk(i, self.images.path(side, i).name, group)
        if self._lab.traced:
            command += trace.options(self._lab.traced, f"{name}.trace")
        build, folder = self._lab.build, self._lab.folder
        vm = VM(name, [*command, *options], folder, build.environment)
        self.vms.append(vm)
        return vm

    async def boot(self) -> None:
        """Make the disks and start both sides; the guest starts to boot."""
        await self.images.make()
        await asyncio.gather(self.source.start(), self.destination.start())
        await self.settings.agree(*self.agreed)

    async def running(self, vm: VM) -> None:
        """Wait until the guest at `vm` has more records acknowledged on each disk."""
        more = vm.console.further(self.disks, ALIVE_RECORDS)
        await vm.until("further acknowledged records", more, GUEST_SECONDS)

    async def weigh_down(self) -> None:
        """Give the guest devices with more state than a socket takes, at both sides."""
        self._heavy = True
        for vm in (self.source, self.destination):
            await _add_heavy_devices(vm)

    async def refused(self, command: str, **arguments: Any) -> bool:
        """Run a command of the source; note the error and return whether it failed."""
        try:
            await self.source.qmp(command, **arguments)
        except Refused as error:
            self.notes.errors.append(str(error))
            return True
        return False

    async def migrate(self) -> Migration:
        """Start a migration from the source to the destination."""
        channel = transports.to(self.destination.name)[self.transport]
        migration = Migration(self.source, self.destination, self.notes, channel)
        await migration.start()
        return migration

    async def new_destination(self) -> None:
        """Start another destination on the same disks, for a second migration."""
        self.destination = self._destination(f"destination{len(self.vms)}")
        await self.destination.start()
        await self.settings.tell(self.destination)
        if self._heavy:
            await _add_heavy_devices(self.destination)

    async def arrive(self) -> bool:
        """After `completed`: the destination has it. Whether the images are equal."""
        await self.destination.wait_event(
            "MIGRATION", STATUS_SECONDS, status="completed"
        )
        self.owner = self.destination
        return await self.images.compare()

    async def run_at_destination(self) -> None:
        """What management does after `completed`; the guest has to run there."""
        await self.link.disconnect()
        if self.storage is not self.destination:
            await self.storage.quit()
        await self.destination.qmp("cont")
        await self.running(self.destination)

    async def run_at_source(self) -> None:
        """After a migration that failed: the guest has to run on."""
        self.owner = self.source
        await self.running(self.source)

    def watch(self) -> AbstractAsyncContextManager[None]:
        """What to ask the source all the time with, in an `async with`."""
        return responsiveness.watch(self.source, self.notes)

    async def has_everything(self) -> None:
        """Note a surprise unless the guest is stopped, and no node is inactive."""
        await self.is_stopped(self.source)
        nodes = await self.source.qmp("query-named-block-nodes", flat=True)
        inactive = [n["node-name"] for n in nodes if not n["active"]]
        self.notes.check(not inactive, f"inactive at the source: {inactive}")

    async def is_stopped(self, vm: VM) -> None:
        """Note a surprise if the guest runs at `vm`."""
        state = await vm.qmp("query-status")
        self.notes.check(not state["running"], f"the guest runs at {vm.name}")

    async def source_dies(self) -> None:
        """See whether the source ends by itself."""
        await self.source.soon(lambda: self.source.exit_code, DEATH_SECONDS)

    async def quit(self) -> None:
        """Let every process that still runs quit."""
        for vm in self.vms:
            await vm.quit()

    async def kill(self) -> None:
        """End what still runs, by force; nothing is left over."""
        for vm in self.vms:
            await vm.kill()


async def _add_heavy_devices(vm: VM) -> None:
    for slot in HEAVY_SLOTS:
        place = {"bus": "pci.0", "addr": slot}
        await vm.qmp("device_add", driver="e1000e", id=f"nic{slot}", **place)


@dataclass(frozen=True)
class Scenario:
    """A story. Which build it runs on is not its business: it goes by what it sees.

    `expected` is the declared outcome by build name, `title` one short line;
    without a guest the source has no kernel and is never started. `agreed` are
    capabilities of both sides, `transport` is the way of each migration's stream.
    """

    name: str
    title: str
    expected: dict[str, Expected]
    disks: int = 1
    with_guest: bool = True
    agreed: tuple[str, ...] = ()
    transport: str = "socket"

    async def run(self, rig: Rig) -> None:
        """Tell the story. Refused, Died and Hang may pass: they are observations."""
        raise NotImplementedError
