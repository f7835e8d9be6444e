# SPDX-License-Identifier: GPL-2.0-or-later
"""A source and a destination of any age, and what the scenarios do with them.

Both have one disk, "disk0", which the destination exports over NBD; between
them is a link of our own. The guest, if there is one, is a boot sector.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from ..guest import disk
from ..judging import evidence
from ..judging.oracle import DiskEvidence, Evidence, judge
from ..qemu import firmware
from ..qemu.build import Build
from ..stories.results_table import shortened, size
from ..vm.vm import VM, Died
from . import bootsector
from .dialect import Dialect, Unsuitable
from .link import Link
from .old_vm import OldVM
from .outcome import BAD, GOOD, SKIP, Outcome
from .portable_mirror import LINK, SECONDS, PortableMirror

# The time that a source which will abort takes to do so after `completed`.
DEATH_SECONDS = 5.0
MEMORY_MIB = 32
# Of the disk that no guest has.
BIG_MIB = 256
SLOW_RAM = 1024
STATUSES = ("completed", "failed", "cancelled", "pre-switchover")
NBD, STREAM = "nbd.sock", "migrate.sock"
PAUSE = "pause-before-switchover"


class PortableRig:
    """One run in `folder`. What it showed is in `outcome()` when all has ended."""

    def __init__(self, build: Build, folder: Path) -> None:
        self.status = ""
        # The first one says why it ended as it did.
        self.errors: list[str] = []
        self._difference: disk.Difference | None = None
        self.link = Link(folder, LINK, NBD)
        self._build = build
        self._folder = folder
        self.vms: list[VM] = []
        self._seen = 0

    async def open(self, with_guest: bool) -> None:
        """Make the disks and start the source; a guest starts to write."""
        self._image = "source.raw" if with_guest else "big.raw"
        await asyncio.to_thread(self._make_disks, with_guest)
        self.source = await self._start(
            "source", self._image, [] if with_guest else ["-S"]
        )
        self.dialect = await Dialect.of(self.source)
        self.mirror = PortableMirror(self.source, self.dialect, self.link, self.errors)

    async def open_destination(self) -> None:
        """Start the destination, and export its disk through the link."""
        options = ["-incoming", "defer", "-S"]
        self.destination = await self._start("destination", "target.raw", options)
        address = {"type": "unix", "data": {"path": NBD}}
        await self.destination.qmp("nbd-server-start", addr=address)
        await self._do(self.destination, self.dialect.export("disk0"))
        await self.link.open()

    async def _start(self, name: str, image: str, options: list[str]) -> VM:
        drive = f"file={image},format=raw,if=none,id=disk0"
        said = f"file,id=said,path={name}.said"
        command = [
            str(self._build.system),
            *("-nodefaults", "-no-user-config", "-display", "none"),
            *("-machine", "pc,accel=tcg", "-m", str(MEMORY_MIB)),
            *("-L", str(self._build.directory / firmware.BUNDLE)),
            *("-drive", drive, "-device", "virtio-blk-pci,drive=disk0,bootindex=1"),
            *("-chardev", said, "-device", "isa-debugcon,iobase=0xe9,chardev=said"),
            *("-serial", "none", "-parallel", "none", "-net", "none"),
        ]
        vm = OldVM(name, [*command, *options], self._folder)
        self.vms.append(vm)
        await vm.start()
        return vm

    def _make_disks(self, with_guest: bool) -> None:
        image = self._folder / self._image
        disk.make(image)
        if with_guest:
            with open(image, "r+b") as file:
                file.write(bootsector.image())
        else:
            pattern = image.read_bytes()
            with open(image, "ab") as file:
                while file.tell() < BIG_MIB * disk.MIB:
                    file.write(pattern)
        with open(self._folder / "target.raw", "wb") as file:
            file.truncate(image.stat().st_size)

    async def _do(self, vm: VM, command: tuple[str, dict[str, Any]]) -> Any:
        name, arguments = command
        return await vm.qmp(name, **arguments)

    async def writing(self) -> None:
        """Wait until the guest has had more writes done."""
        said = self._folder / "source.said"
        before = said.stat().st_size

        async def more() -> bool:
            if self.source.exit_code is not None:
                raise Died("the source has ended, and no guest writes")
            return said.stat().st_size > before

        await self.source.until_told("guest writes", more, SECONDS)

    async def pause_before_switchover(self) -> None:
        """Have the migration wait in pre-switchover."""
        known = await self.source.qmp("query-migrate-capabilities")
        if PAUSE not in {item["capability"] for item in known}:
            raise Unsuitable(f"it has no {PAUSE}")
        capability = {"capability": PAUSE, "state": True}
        await self.source.qmp("migrate-set-capabilities", capabilities=[capability])

    async def hold_ram(self, held: bool = True) -> None:
        """Keep a migration from getting ahead, or let it."""
        rate = SLOW_RAM if held else disk.MIB << 10
        await self._do(self.source, self.dialect.bandwidth(rate))

    async def start_to_nowhere(self) -> None:
        """Start a migration whose stream is thrown away."""
        await self._do(self.source, self.dialect.migrate("exec:cat>/dev/null"))

    async def start_to_destination(self) -> None:
        """Start a migration to the destination."""
        uri = f"unix:{STREAM}"
        await self._do(self.destination, self.dialect.incoming(uri))
        await self._do(self.source, self.dialect.migrate(uri))

    async def landmark(self) -> str:
        """Wait for the next status that matters."""
        found = await self.source.until("migration status", self._next, SECONDS)
        self._seen = found + 1
        self.status = str(self.source.events[found].data["status"])
        if self.status == "failed":
            info = await self.source.qmp("query-migrate")
            self.errors.insert(0, info.get("error-desc", "no reason was given"))
        return self.status

    def _next(self) -> int | None:
        for number in range(self._seen, len(self.source.events)):
            event = self.source.events[number]
            if event.name == "MIGRATION" and event.data["status"] in STATUSES:
                return number
        return None

    async def go_on(self) -> str:
        """Go on from pre-switchover; the status that this leads to."""
        await self.source.qmp("migrate-continue", state="pre-switchover")
        return await self.landmark()

    async def is_there(self) -> None:
        """After `completed`: what the destination lacks, that has it now, is lost."""
        await self.destination.wait_event("MIGRATION", SECONDS, status="completed")
        await self.compare()

    async def compare(self) -> None:
        """Note what the target's image lacks."""
        images = self._folder / self._image, self._folder / "target.raw"
        self._difference = await asyncio.to_thread(disk.compare, *images)

    async def quit(self) -> None:
        """Let all processes end, after the source has had time to abort."""
        for vm in self.vms:
            await vm.quit()

    async def may_die(self) -> None:
        """See whether the source aborts by itself."""
        try:
            async with asyncio.timeout(DEATH_SECONDS):
                await self.source.end()
        except TimeoutError:
            return
        raise Died("the source has ended")

    async def close(self) -> None:
        """End what still runs, by force, and remove the images."""
        await self.link.cut()
        for vm in self.vms:
            await vm.kill()
        for image in self._folder.glob("*.raw"):
            image.unlink()

    def outcome(self) -> Outcome:
        """The verdict on the run."""
        # A destination whose source has given up exits with an error.
        killed = [vm for vm in self.vms if (vm.exit_code or 0) < 0]
        image = DiskEvidence("disk0", self._difference, {}, None, written=False)
        vms = tuple(map(evidence.of_vm, killed))
        verdict = judge(Evidence(vms=vms, disks=(image,)))
        parts = [f"crash: {shortened(text)}" for text in verdict.crashes]
        if verdict.blocks_lost and self.status == "completed":
            lost = size(verdict.blocks_lost * disk.BLOCK)
            parts.append(f"completed, {lost} never copied")
        if parts:
            return Outcome(BAD, "; ".join(parts))
        error = next(iter(self.errors), "")
        if not self.status:
            return Outcome(SKIP, f"it did not migrate: {error}")
        if self.status == "completed" and not self._difference:
            return Outcome(SKIP, "completed, but nothing was compared")
        if self.source.exit_code and not self.source.told_to_quit:
            return Outcome(SKIP, f"the source exited: {self.source.stderr.strip()}")
        reason = f": {shortened(error)}" if error else ""
        return Outcome(GOOD, self.status + reason)
