# SPDX-License-Identifier: GPL-2.0-or-later
"""A source and a destination QEMU with mirrored disks.

Disk i is node disk<i> on both sides. The destination exports it, throttled, over
NBD; the source knows that export as node dst<i>.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..guest import disk
from ..guest.kernel import Guest
from ..judging.notes import Notes
from ..qemu.build import Build
from ..vm import commandline, pause, trace, transports
from ..vm.accel import Accel
from ..vm.vm import VM, Refused
from . import snapshot
from .exported_disks import Shared
from .jobs import Jobs
from .migration import STATUS_SECONDS, Migration
from .responsiveness import Watch
from .spare_disk import Spare

# With a sanitizer and without KVM, a guest takes more than 30 s to boot, and twice as
# long beside other work.
GUEST_SECONDS = 120.0
DEATH_SECONDS = 15.0
# In bytes per second: the RAM of a guest takes far longer than any scenario.
SLOW_BANDWIDTH = disk.MIB
# In milliseconds; the longest that QEMU takes.
LONG_DOWNTIME = 2_000_000
TLS_KEY_BYTES = 32
# Each of the network cards there has registers of 128 KiB.
HEAVY_SLOTS = ("0x1d", "0x1e", "0x1f")
# How many more records each disk has to acknowledge to show that a guest runs.
ALIVE_RECORDS = 5
# Of all disks together; in bytes.
ALL_DISKS = 4 * disk.SIZE
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
    """One source, one destination, `disks` mirrored disks.

    `destination` is the process that the next migration goes to, `storage` the
    one that has the NBD server. They are the same until a migration has failed:
    a QEMU takes one incoming migration in its life. `owner` is the side that goes
    on, once that is known.
    """

    def __init__(self, lab: Lab, disks: int, with_guest: bool) -> None:
        self.disks = range(disks)
        self.notes = Notes()
        self.vms: list[VM] = []
        self.owner: VM | None = None
        self.differences: dict[int, disk.Difference] = {}
        self._lab = lab
        self._agreed: list[str] = []
        self._heavy = False
        self._connected = False
        # Of both sides: a guest that is reset boots wherever it is by then.
        self._kernel = self._boot() if with_guest else []
        options = self._kernel or ["-S"]
        self.source = self._vm("source", "source", options, "reads")
        self.destination = self.storage = self._destination("destination")
        self.jobs = Jobs(self.source, self.storage, self.disks, self.notes)
        self.spare = Spare(self.source)
        self.shared = Shared(self.source, self.storage, self.notes)

    def _boot(self) -> list[str]:
        rate = RECORDS_PER_SECOND // len(self.disks)
        return commandline.boot(self._lab.guest, f"rate={rate}")

    def _program(self) -> list[str]:
        return [str(self._lab.build.system)]

    def image(self, vm: VM, number: int) -> Path:
        """The image of a disk at a VM's side."""
        side = "source" if vm is self.source else "destination"
        return self._image(side, number)

    def _image(self, side: str, number: int) -> Path:
        return self._lab.folder / f"{side}{number}.raw"

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
            command += commandline.disk(i, self._image(side, i).name, group)
        if self._lab.traced:
            command += trace.options(self._lab.traced, f"{name}.trace")
        build, folder = self._lab.build, self._lab.folder
        vm = VM(name, [*command, *options], folder, build.environment)
        self.vms.append(vm)
        return vm

    async def boot(self) -> None:
        """Make the disks and start both sides; the guest starts to boot."""
        await asyncio.to_thread(self._make_disks)
        await asyncio.gather(self.source.start(), self.destination.start())

    def _make_disks(self) -> None:
        size = min(disk.SIZE, ALL_DISKS // len(self.disks))
        for i in self.disks:
            disk.make(self._image("source", i), i, size)
            disk.make_blank(self._image("destination", i), size)

    async def connect(self) -> None:
        """Export the destination's disks over NBD and add them at the source."""
        await self.export()
        for i in self.disks:
            await self._import(i)

    async def reconnect(self) -> None:
        """The same once more, after disconnect() and with all mirrors gone."""
        await self.serve()
        for i in self.disks:
            await self.source.qmp("blockdev-del", node_name=f"dst{i}")
            await self._import(i)

    async def export(self) -> None:
        """Export the destination's disks over NBD."""
        await self.storage.qmp("object-add", qom_type="throttle-group", id="link")
        for i in self.disks:
            node = {"node_name": f"throttle{i}", "file": f"disk{i}"}
            throttle = {"driver": "throttle", "throttle_group": "link", **node}
            await self.storage.qmp("blockdev-add", **throttle)
        await self.serve()

    async def serve(self) -> None:
        """Start the NBD server with the exports of the disks, also anew."""
        address = {"type": "unix", "data": {"path": "nbd.sock"}}
        await self.storage.qmp("nbd-server-start", addr=address)
        self._connected = True
        for i in self.disks:
            export = {"id": f"export{i}", "name": f"disk{i}", "writable": True}
            node = {"type": "nbd", "node_name": self._exported(i)}
            await self.storage.qmp("block-export-add", **node, **export)

    def _exported(self, number: int) -> str:
        """The node that is exported of a disk."""
        return f"throttle{number}"

    async def disconnect(self) -> None:
        """End the NBD server; the source's requests to it fail from now on."""
        if self._connected:
            self._connected = False
            await self.storage.qmp("nbd-server-stop")

    async def _import(self, number: int) -> None:
        server = {"type": "unix", "path": "nbd.sock"}
        node = {"node_name": f"dst{number}", "export": f"disk{number}"}
        await self.source.qmp("blockdev-add", driver="nbd", server=server, **node)

    async def running(self, vm: VM) -> None:
        """Wait until the guest at `vm` has more records acknowledged on each disk."""
        before = vm.console.acknowledged()

        def more() -> bool | None:
            now = vm.console.acknowledged()
            done = all(now[i] >= before[i] + ALIVE_RECORDS for i in self.disks)
            return done or None

        await vm.until("further acknowledged records", more, GUEST_SECONDS)

    async def capability(self, name: str) -> None:
        """Set a capability of the source."""
        await _set_capability(self.source, name)

    async def pausing(self) -> None:
        """Have migrations pause before they switch over, in the newest way."""
        await self.capability((await pause.newest(self.source)).capability)

    async def agree(self, name: str) -> None:
        """Set a capability of both sides, also of destinations to come."""
        self._agreed.append(name)
        for vm in (self.source, self.destination):
            await _set_capability(vm, name)

    async def encrypt(self) -> None:
        """Encrypt migrations to this destination, with a key that both sides have."""
        # Of the user that a client is if it doesn't say otherwise.
        line = f"qemu:{secrets.token_hex(TLS_KEY_BYTES)}\n"
        (self._lab.folder / "keys.psk").write_text(line)
        for vm, end in ((self.source, "client"), (self.destination, "server")):
            key = {"dir": ".", "endpoint": end}
            await vm.qmp("object-add", qom_type="tls-creds-psk", id="tls", **key)
            await vm.qmp("migrate-set-parameters", tls_creds="tls")

    async def weigh_down(self) -> None:
        """Give the guest devices with more state than a socket takes, at both sides."""
        self._heavy = True
        for vm in (self.source, self.destination):
            await _add_heavy_devices(vm)

    async def capabilities_but(self, kept: Container[str]) -> None:
        """Turn off every capability of the source that QEMU knows, but those."""
        known = await self.source.qmp("query-migrate-capabilities")
        names = [item["capability"] for item in known]
        off = [{"capability": n, "state": False} for n in names if n not in kept]
        await self.source.qmp("migrate-set-capabilities", capabilities=off)

    async def hold(self) -> None:
        """Keep a migration from ending the transfer of RAM."""
        await self._bandwidth(SLOW_BANDWIDTH)

    async def release(self) -> None:
        """Let a migration transfer RAM at full speed."""
        await self._bandwidth(0)

    async def converge_at_once(self) -> None:
        """Have a migration stop the guest however much there is left to do."""
        await self.source.qmp("migrate-set-parameters", downtime_limit=LONG_DOWNTIME)

    async def _bandwidth(self, bytes_per_second: int) -> None:
        limits = ("max_bandwidth", "max_postcopy_bandwidth")
        await self.source.qmp(
            "migrate-set-parameters", **dict.fromkeys(limits, bytes_per_second)
        )

    async def refused(self, command: str, **arguments: Any) -> bool:
        """Run a command of the source; note the error and return whether it failed."""
        try:
            await self.source.qmp(command, **arguments)
        except Refused as error:
            self.notes.errors.append(str(error))
            return True
        return False

    async def migrate(self, transport: str = "socket") -> Migration:
        """Start a migration from the source to the destination."""
        channel = transports.TRANSPORTS[transport](self.destination.name)
        migration = Migration(self.source, self.destination, self.notes, channel)
        await migration.start()
        return migration

    async def save_snapshot(self) -> None:
        """Save a snapshot of the guest at the source; notes an error."""
        error = await snapshot.save(self.source, self._lab.build)
        if error:
            self.notes.errors.append(f"snapshot: {error}")

    async def new_destination(self) -> None:
        """Start another destination on the same disks, for a second migration."""
        self.destination = self._destination(f"destination{len(self.vms)}")
        await self.destination.start()
        for name in self._agreed:
            await _set_capability(self.destination, name)
        if self._heavy:
            await _add_heavy_devices(self.destination)

    async def compare(self) -> bool:
        """Compare the images of all disks; whether they are equal."""
        for i in self.disks:
            pair = self._image("source", i), self._image("destination", i)
            self.differences[i] = await asyncio.to_thread(disk.compare, *pair)
        return not any(d.blocks for d in self.differences.values())

    async def arrive(self) -> bool:
        """After `completed`: the destination has it. Whether the images are equal."""
        await self.destination.wait_event(
            "MIGRATION", STATUS_SECONDS, status="completed"
        )
        self.owner = self.destination
        return await self.compare()

    async def run_at_destination(self) -> None:
        """What management does after `completed`; the guest has to run there."""
        await self.disconnect()
        if self.storage is not self.destination:
            await self.storage.quit()
        await self.destination.qmp("cont")
        await self.running(self.destination)

    async def let_mirrors_end(self) -> None:
        """After `completed`: cancel the mirrors; they have to end without error."""
        await self.jobs.cancel()
        await self.jobs.ended()

    async def run_at_source(self) -> None:
        """After a migration that failed: the guest has to run on."""
        self.owner = self.source
        await self.running(self.source)

    def watch(self) -> Watch:
        """What to ask the source all the time with, in an `async with`."""
        return Watch(self.source, self.notes)

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
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DEATH_SECONDS):
                await self.source.end()

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


async def _set_capability(vm: VM, name: str) -> None:
    capability = {"capability": name, "state": True}
    await vm.qmp("migrate-set-capabilities", capabilities=[capability])
