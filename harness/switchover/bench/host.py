# SPDX-License-Identifier: GPL-2.0-or-later
"""What machine the figures are from, and how busy it was."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any

from ..vm.accel import Accel


def describe(accel: Accel, folder: Path) -> dict[str, Any]:
    """The machine, the accelerator, and where the images were."""
    return {
        "processor": _field("/proc/cpuinfo", r"model name\s*: (.*)"),
        "processors": os.cpu_count(),
        "memory_mib": int(_field("/proc/meminfo", r"MemTotal:\s*(\d+)")) // 1024,
        "kernel": platform.release(),
        "accelerator": f"{accel.name} ({accel.why})",
        "images": _filesystem(folder),
        "load_before": load(),
    }


def load() -> float:
    """How many processes wanted to run in the last minute, on average."""
    return round(os.getloadavg()[0], 2)


def sentence(machine: dict[str, Any]) -> str:
    """The same for people."""
    return (
        "{processors} x {processor}, {memory_mib} MiB, Linux {kernel}, {accelerator}, "
        "images on {images}, load {load_before} before and {load_after} after"
    ).format(**machine)


def _field(path: str, pattern: str) -> str:
    found = re.search(pattern, Path(path).read_text())
    return found[1] if found else "0"


def _filesystem(folder: Path) -> str:
    """The type of the file system that a folder is on."""
    best, kind = "", "unknown"
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mount, name, *_ = line.split()
        if folder.is_relative_to(mount) and len(mount) > len(best):
            best, kind = mount, name
    return kind
