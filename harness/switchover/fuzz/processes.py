# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a sequence is played: a folder, the images in it, and QEMU processes.

Disk i is node disk<i>, of a virtio-blk device, at both sides: at the source above a
throttle filter, so that its reads can be slowed down. "extra" is a disk that can be
unplugged at once. There may be a process of its own for NBD, with the destination's
images and no guest. The SPARE images are for nodes that a sequence may add.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..guest import bootsector, disk
from ..qemu.build import Build
from ..vm import commandline
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
        self._build = build
        self._current: dict[str, VM] = {}

    def __getitem__(self, name: str) -> VM:
        """The source, or the destination that was started last."""
        return self._current[name]

    @property
    def source(self) -> VM:
        return self[SOURCE]

    @property
    def destination(self) -> VM:
        """The one that was started last."""
        return self[DESTINATION]

    @property
    def is_complete(self) -> bool:
        """Whether a source and a destination have been started."""
        return {SOURCE, DESTINATION} <= self._current.keys()

    def has(self, side: str) -> bool:
        """Whether that side has been started."""
        return side in self._current

    def serves(self, side: str) -> bool:
        """Whether that side has the NBD server."""
        return side == (SERVER if self.has(SERVER) else DESTINATION)

    def current(self) -> list[VM]:
        """The one of each side that was started last, whether or not it has ended."""
        return list(self._current.values())

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
        elif former := self._current.get(side):
            await former.quit()
        number = sum(vm.name.startswith(side) for vm in self.vms)
        name = f"{side}{number + 1}" if number else side
        command = (
            self._server() if side == SERVER else self._command(side, iothreads, paused)
        )
        vm = VM(name, command, self.folder, self._build.environment)
        self.take(side, vm)
        await vm.start()

    def take(self, side: str, vm: VM) -> None:
        """Let this be the current one of a side."""
        self.vms.append(vm)
        self._current[side] = vm

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
        words = [str(self._build.system), *commandline.machine("tcg", MEMORY_MIB), "-S"]
        words += commandline.second_monitor(SERVER)
        words += commandline.throttle_group(LINK)
        for i in self.disks:
            image = self.image(DESTINATION, i).name
            # The destination has them open, too.
            words += commandline.unflushed(f"disk{i}", image, locking="off")
        return words

    def _command(self, side: str, iothreads: bool, paused: bool) -> list[str]:
        words = [str(self._build.system), *commandline.machine("tcg", MEMORY_MIB)]
        words += ["-boot", "menu=off", *commandline.second_monitor(side)]
        words += commandline.throttle_group(READS if side == SOURCE else LINK)
        words += commandline.unflushed("boot", "boot.raw", **{"read-only": True})
        words += ["-device", "virtio-blk-pci,drive=boot,bootindex=0"]
        for i in self.disks:
            words += self._disk(side, i, iothreads)
        extra = {"driver": "null-co", "node-name": "extra", "size": disk.MIB}
        words += ["-blockdev", json.dumps(extra), "-device", "virtio-scsi-pci"]
        words += ["-device", "scsi-hd,id=extra,drive=extra"]
        if side == DESTINATION:
            words += ["-incoming", "defer", *(["-S"] if paused else [])]
        return words

    def _disk(self, side: str, number: int, iothreads: bool) -> list[str]:
        image = self.image(side, number).name
        name = f"disk{number}"
        # The BIOS numbers disks in the order in which they may be booted from.
        order = f"bootindex={number + 1}"
        device = f"virtio-blk-pci,id=device{number},drive={name},{order}"
        words = []
        if side == SOURCE:
            below = f"file{number}"
            group = {"throttle-group": READS, "file": below}
            node = {"driver": "throttle", "node-name": name, **group}
            words += commandline.unflushed(below, image)
            words += ["-blockdev", json.dumps(node)]
            # Clients of exports may write to it, too.
            device += ",share-rw=on"
        else:
            words += commandline.unflushed(name, image)
        if iothreads:
            words += ["-object", f"iothread,id=iothread{number}"]
            device += f",iothread=iothread{number}"
        return [*words, "-device", device]

    async def kill(self) -> None:
        """End what still runs, by force."""
        for vm in self.vms:
            await vm.kill()
