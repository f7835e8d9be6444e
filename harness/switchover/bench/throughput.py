# SPDX-License-Identifier: GPL-2.0-or-later
"""How fast a mirror copies, with qemu-img convert and cp beside it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from ..core import paths
from ..core.command import run
from ..guest import disk
from ..qemu.build import Build
from ..stories.rig import Lab
from ..vm import commandline
from ..vm.vm import VM
from .case import Case, Figures, Variant

COPIES = 4
SIZE_MIB = COPIES * disk.SIZE // disk.MIB
SECONDS = 60.0
FORMATS = ("raw", "qcow2")
TARGETS = ("file", "nbd")
MODES = ("background", "write-blocking")
GRANULARITIES = (64, 256, 1024)  # KiB
SOCKET = "nbd.sock"


@dataclass(frozen=True)
class Copying:
    """Copies an image of this format to a file or, over NBD, to another process."""

    format: str
    target: str

    def source(self, lab: Lab) -> Path:
        """The image to copy, made once for all runs."""
        image = lab.folder.parent / f"whole.{self.format}"
        if not image.exists():
            raw = lab.folder / "whole.raw"
            part = lab.folder / "part.raw"
            disk.make(part)
            with open(raw, "wb") as file:
                file.writelines(part.read_bytes() for _ in range(COPIES))
            made = lab.folder / "made"
            formats = ["-f", "raw", "-O", self.format]
            run(lab.build.img, "convert", *formats, raw, made)
            made.rename(image)
        return image

    @asynccontextmanager
    async def blank(self, lab: Lab) -> Any:
        """The node options of an empty target; its server is always base."""
        image = lab.folder / f"copy.{self.format}"
        size = f"{SIZE_MIB}M"
        run(lab.build.img, "create", "-q", "-f", self.format, image, size)
        node = _node(self.format, image)
        if self.target == "file":
            yield node
            return
        server = _qemu("server", lab, Build("base", paths.build_dir("base")))
        address = {"type": "unix", "path": SOCKET}
        try:
            await server.start()
            await server.qmp("blockdev-add", node_name="target", **node)
            listen = {"type": "unix", "data": {"path": SOCKET}}
            await server.qmp("nbd-server-start", addr=listen)
            export = {"id": "target", "node_name": "target", "writable": True}
            await server.qmp("block-export-add", type="nbd", **export)
            yield {"driver": "nbd", "export": "target", "server": address}
        finally:
            await server.kill()


@dataclass(frozen=True)
class Mirror(Copying):
    """A mirror job in a process that does nothing else."""

    mode: str
    granularity: int

    async def __call__(self, lab: Lab) -> Figures:
        vm = _qemu("mirror", lab, lab.build)
        try:
            async with self.blank(lab) as target:
                await vm.start()
                node = _node(self.format, self.source(lab))
                await vm.qmp("blockdev-add", node_name="source", **node)
                await vm.qmp("blockdev-add", node_name="target", **target)
                return await self._copy(vm)
        finally:
            await vm.kill()

    async def _copy(self, vm: VM) -> Figures:
        before = processor_seconds(vm.pid)
        options = {"copy_mode": self.mode, "granularity": self.granularity * disk.KIB}
        job = {"job_id": "mirror", "device": "source", "target": "target"}
        await vm.qmp("blockdev-mirror", sync="full", **job, **options)
        ready = await vm.wait_event("BLOCK_JOB_READY", SECONDS)
        used = processor_seconds(vm.pid) - before
        started = await vm.wait_event("JOB_STATUS_CHANGE", SECONDS, status="running")
        return _figures(ready.time - started.time, used)


@dataclass(frozen=True)
class Convert(Copying):
    """qemu-img convert, with the most requests in flight that it allows."""

    async def __call__(self, lab: Lab) -> Figures:
        async with self.blank(lab):
            output, image = self.format, str(lab.folder / f"copy.{self.format}")
            if self.target == "nbd":
                output, image = (
                    "raw",
                    f"nbd+unix:///target?socket={lab.folder}/{SOCKET}",
                )
            formats = ["-f", self.format, "-O", output]
            command = ["convert", "-n", "-W", "-m", "16", *formats]
            return _timed(lab.build.img, *command, self.source(lab), image)


@dataclass(frozen=True)
class Cp(Copying):
    """cp, which copies the image as it is."""

    async def __call__(self, lab: Lab) -> Figures:
        whole = ["cp", "--sparse=never", "--reflink=never"]
        return _timed(*whole, self.source(lab), lab.folder / "copy")


def _timed(*command: str | Path) -> Figures:
    """Nothing else happens meanwhile."""
    start = time.monotonic()
    run(*command, deadline=SECONDS)
    return _figures(time.monotonic() - start)


def _figures(seconds: float, used: float | None = None) -> Figures:
    """MiB/s, and ms of processor time per MiB."""
    processor = {} if used is None else {"processor": used * 1000 / SIZE_MIB}
    return {"throughput": SIZE_MIB / seconds, **processor}


def processor_seconds(pid: int) -> float:
    """What all threads of a process have used so far; the kernel counts ns."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def _node(format: str, image: Path) -> dict[str, Any]:
    file = {"driver": "file", "filename": str(image)}
    return file if format == "raw" else {"driver": format, "file": file}


def _qemu(name: str, lab: Lab, build: Build) -> VM:
    """A process without a guest."""
    options = [*commandline.machine("tcg"), "-S"]
    return VM(name, [str(build.system), *options], lab.folder)


def _cases() -> Iterator[Case]:
    for form, target, mode, size in product(FORMATS, TARGETS, MODES, GRANULARITIES):
        mirror = Mirror(form, target, mode, size)
        variants = [
            Variant("base", "base", mirror),
            Variant("patched", "patched", mirror),
            Variant("qemu-img convert", "base", Convert(form, target)),
        ]
        if target == "file":
            variants.append(Variant("cp", "base", Cp(form, target)))
        yield Case(
            f"throughput-{form}-{target}-{mode}-{size}",
            f"mirror {form} to {target}, {mode}, {size} KiB",
            "throughput",
            "MiB/s",
            tuple(variants),
            ("base",),
            less_is_better=False,
        )


CASES = tuple(_cases())
