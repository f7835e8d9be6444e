# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's command line, as far as it is the same for every process."""

from __future__ import annotations

from .guest import MEMORY_MIB, Guest


def machine(accel: str) -> list[str]:
    """The options that every QEMU of a run shares."""
    return [
        *("-nodefaults", "-no-user-config", "-display", "none"),
        *("-machine", "pc", "-accel", accel, "-m", str(MEMORY_MIB)),
    ]


def boot(kernel: Guest, rate: int) -> list[str]:
    """The options that boot the guest, with `rate` records per second and disk."""
    append = f"console=ttyS0 quiet panic=-1 mitigations=off rate={rate}"
    images = ["-kernel", str(kernel.kernel), "-initrd", str(kernel.initrd)]
    return [*images, "-append", append]
