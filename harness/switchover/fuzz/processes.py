# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a sequence is played: a folder, the images in it, and QEMU processes.

Disk i is node disk<i>, of a virtio-blk device, at both sides: at the source above a
throttle filter, so that its reads can be slowed down. "extra" is a disk that can be
unplugged at once. There may be a process of its own for NBD, with the destination's
images and no guest. The SPARE images are for nodes that a sequence may add.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ..guest import bootsector, disk
from ..qemu.build import Build
from ..vm import commandline
from ..vm.monitor import Event
from ..vm.vm import VM

# A full copy takes a moment, and a slow one is slow enough at some MiB per second.
SIZE = 4 * disk.MIB
MEMORY_MIB = 16
SOURCE, DESTINATION, SERVER = "source", "destination", "server"
# The throttle groups for the source's reads, and for what comes to the destination.
READS, LINK = "reads", "link"
MIGRATION_SOCKET = "migration.sock"
NBD_SOCKET = "nbd.sock"
SPARE, SPARE_TARGET, SPARE_QCOW2 = "spare.raw", "spare-target.raw", "spare.qcow2"


class Processes:
    """The processes of one sequence; `vms` has all of them, in the order of starts."""

    def __init__(self, build: Build, folder: Path) -> None:
        self.folder = folder
        self.vms: list[VM] = []
        self.disks = range(0)
        # Whether the guest runs at the destination without being told to.
        self.starts_itself = False
        # The one of each side that was started last, whether or not it has ended.
        self.current: dict[str, VM] = {}
        self._build = build

    @property
    def source(self) -> VM:
        return self.current[SOURCE]

    @property
    def destination(self) -> VM:
        return self.current[DESTINATION]

    @property
    def is_complete(self) -> bool:
        """Whether a source and a destination have been started."""
        return {SOURCE, DESTINATION} <= self.current.keys()

    @property
    def server(self) -> str:
        """The side that has the NBD server."""
        return SERVER if SERVER in self.current else DESTINATION

    def image(self, side: str, number: int) -> Path:
        """The image of a disk at a side."""
        return self.folder / f"{side}{number}.raw"

    async def start(
        self, side: str, disks: int, iothreads: bool, paused: bool = True
    ) -> None:
        """Start a process; a former one of that side has to quit first.

        `paused` is whether a destination waits for `cont` once it has got the guest.
        """
        if side == DESTINATION:
            self.starts_itself = not paused
        if side == SOURCE:
            self.disks = range(disks)
            self._make_images()
        elif former := self.current.get(side):
            await former.quit()
        number = sum(vm.name.startswith(side) for vm in self.vms)
        name = f"{side}{number + 1}" if number else side
        options = self._server() if side == SERVER else self._guest(side, iothreads)
        if side == DESTINATION:
            options += ["-incoming", "defer", *(["-S"] if paused else [])]
        machine = commandline.machine("tcg", MEMORY_MIB)
        command = [str(self._build.system), *machine, *options]
        vm = VM(name, command, self.folder, self._build.environment)
        self.take(side, vm)
        await vm.start()

    def take(self, side: str, vm: VM) -> None:
        """Let this be the current one of a side."""
        self.vms.append(vm)
        self.current[side] = vm

    def _make_images(self) -> None:
        first = bootsector.BOOT_DRIVE + 1
        bootsector.make(self.folder / "boot.raw", len(self.disks), first)
        for i in self.disks:
            disk.make(self.image(SOURCE, i), i, SIZE)
            disk.make_blank(self.image(DESTINATION, i), SIZE)
        disk.make(self.folder / SPARE, len(self.disks), SIZE)
        disk.make_blank(self.folder / SPARE_TARGET, SIZE)
        image = self.folder / SPARE_QCOW2
        self._build.qemu_img("create", "-q", "-f", "qcow2", image, str(SIZE))

    def _server(self) -> list[str]:
        words = ["-S", *commandline.second_monitor(SERVER)]
        words += commandline.throttle_group(LINK)
        for i in self.disks:
            image = self.image(DESTINATION, i).name
            # The destination has them open, too.
            words += commandline.unflushed(f"disk{i}", image, locking="off")
        return words

    def _guest(self, side: str, iothreads: bool) -> list[str]:
        words = ["-boot", "menu=off", *commandline.second_monitor(side)]
        words += commandline.throttle_group(READS if side == SOURCE else LINK)
        words += commandline.unflushed("boot", "boot.raw", **{"read-only": True})
        words += ["-device", "virtio-blk-pci,drive=boot,bootindex=0"]
        for i in self.disks:
            words += self._disk(side, i, iothreads)
        extra = {"driver": "null-co", "node-name": "extra", "size": disk.MIB}
        words += ["-blockdev", json.dumps(extra), "-device", "virtio-scsi-pci"]
        return [*words, "-device", "scsi-hd,id=extra,drive=extra"]

    def _disk(self, side: str, number: int, iothreads: bool) -> list[str]:
        name = f"disk{number}"
        # The BIOS numbers disks in the order in which they may be booted from.
        order = f"bootindex={number + 1}"
        device = f"virtio-blk-pci,id=device{number},drive={name},{order}"
        image = f"file{number}" if side == SOURCE else name
        words = commandline.unflushed(image, self.image(side, number).name)
        if side == SOURCE:
            group = {"throttle-group": READS, "file": image}
            node = {"driver": "throttle", "node-name": name, **group}
            words += ["-blockdev", json.dumps(node)]
            # Clients of exports may write to it, too.
            device += ",share-rw=on"
        if iothreads:
            words += ["-object", f"iothread,id=iothread{number}"]
            device += f",iothread=iothread{number}"
        return [*words, "-device", device]

    async def kill(self) -> None:
        """End what still runs, by force."""
        for vm in self.vms:
            await vm.kill()


def runs(vm: VM) -> bool:
    """Whether a guest runs, by the last event."""
    names = [e.name for e in vm.events if e.name in ("STOP", "RESUME")]
    return not names or names[-1] == "RESUME"


async def is_running(vm: VM) -> bool:
    """Whether a guest runs, by what QEMU says now."""
    return bool((await vm.qmp("query-status"))["running"])


def last_status(events: Sequence[Event], job: str) -> str:
    """The status of a job after these events; "null" if there is none."""
    seen = (e for e in reversed(events) if e.matches("JOB_STATUS_CHANGE", id=job))
    return next((str(e.data["status"]) for e in seen), "null")
