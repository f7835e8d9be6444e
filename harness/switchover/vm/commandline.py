# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's command line, as far as it is the same for every process."""

from __future__ import annotations

import json
from typing import Any

from ..guest.kernel import MEMORY_MIB, Guest


def machine(accel: str, memory: int = MEMORY_MIB) -> list[str]:
    """The options that every QEMU of a run shares; `memory` is in MiB."""
    return [
        *("-nodefaults", "-no-user-config", "-display", "none"),
        *("-machine", "pc", "-accel", accel, "-m", str(memory)),
    ]


def disk(number: int, image: str, group: str | None = None) -> list[str]:
    """The options of disk `number`: a raw image as node disk<number>, and a device.

    `group` is the throttle group that its node is a member of.
    """
    name = f"disk{number}"
    node: dict[str, Any] = {"driver": "file", "filename": image}
    if group:
        node = {"driver": "throttle", "throttle-group": group, "file": node}
    options = ["-blockdev", json.dumps({"node-name": name, **node})]
    return [*options, "-device", f"virtio-blk-pci,drive={name}"]


def unflushed(name: str, image: str, **options: Any) -> list[str]:
    """The options of a node for an image that is thrown away after the run.

    The host need not flush it: it is QEMU's flushes that matter.
    """
    node = {"driver": "file", "node-name": name, "filename": image}
    cache = {"no-flush": True}
    return ["-blockdev", json.dumps({**node, "cache": cache, **options})]


def throttle_group(name: str) -> list[str]:
    """The option that makes a throttle group without any limit."""
    return ["-object", f"throttle-group,id={name}"]


def boot(kernel: Guest, task: str) -> list[str]:
    """The options that boot the guest; harness/guest/init says what a task is."""
    append = f"console=ttyS0 quiet panic=-1 mitigations=off {task}"
    images = ["-kernel", str(kernel.kernel), "-initrd", str(kernel.initrd)]
    return [*images, "-append", append]


def second_socket(name: str) -> str:
    """The name of the socket of a process's second monitor, in its folder."""
    return f"{name}-monitor.sock"


def second_monitor(name: str) -> list[str]:
    """The options of one, for clients that come and go."""
    socket = f"socket,id=second,path={second_socket(name)},server=on,wait=off"
    return ["-chardev", socket, "-mon", "chardev=second,mode=control"]
