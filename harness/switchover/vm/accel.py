# SPDX-License-Identifier: GPL-2.0-or-later
"""The accelerator: KVM where a guest is seen to boot on it, else TCG.

That /dev/kvm opens, or creates vCPUs, proves nothing: nested ones exist on which
a kernel hangs after the firmware.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..core import files, paths
from ..core.errors import VMLost
from ..guest import kernel
from ..qemu.build import Build
from . import commandline
from .vm import VM, Died

DEVICE = Path("/dev/kvm")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# A working KVM boots the guest in less than one.
PROBE_SECONDS = 5.0


@dataclass(frozen=True)
class Accel:
    """An accelerator by QEMU's name, and why it was chosen."""

    name: str
    why: str


async def choose(build: Build, image: kernel.Guest) -> Accel:
    """KVM if the guest reaches its marker on it; remembered until the next boot.

    What `build` it was tried with does not matter: it is the machine that fails.
    """
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        return Accel("tcg", f"{DEVICE} can't be used")
    path, key = paths.GUEST / "accel.json", _key(image)
    if path.exists():
        known = json.loads(path.read_text())
        if known["key"] == key:
            return Accel(**known["accel"])
    accel = await _probe(build, image)
    files.write_json(path, {"key": key, "accel": asdict(accel)})
    return accel


def _key(image: kernel.Guest) -> list[str]:
    return [BOOT_ID.read_text(), image.key]


async def _probe(build: Build, image: kernel.Guest) -> Accel:
    options = [*commandline.machine("kvm"), *commandline.boot(image, "rate=1")]
    # One that does not even start a process is no better.
    with TemporaryDirectory() as folder, contextlib.suppress(Died, VMLost):
        command = [str(build.system), *options]
        vm = VM("probe", command, Path(folder), build.environment)
        try:
            await vm.start()
            if await vm.soon(lambda: _booted(vm), PROBE_SECONDS):
                return Accel("kvm", "a guest was seen to boot on it")
        finally:
            await vm.kill()
    return Accel("tcg", f"no guest boots on {DEVICE}")


def _booted(vm: VM) -> bool | None:
    return kernel.MARKER in vm.console.text or None
