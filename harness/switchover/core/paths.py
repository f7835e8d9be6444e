# SPDX-License-Identifier: GPL-2.0-or-later
"""Where things are. All that is made lies below one ignored folder, build/."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PATCHES = ROOT / "patches"
IOTESTS = ROOT / "iotests"
SUBMODULE = ROOT / "qemu"
BUILD = ROOT / "build"
VENV = BUILD / "venv"
CACHE = BUILD / "cache"
LOGS = BUILD / "logs"
GUEST = BUILD / "guest"


def tree_dir(name: str) -> Path:
    """A source tree: base, patched, or one of those that are made beside them."""
    return BUILD / "tree" / name


def build_dir(name: str) -> Path:
    """The folder of a build."""
    return BUILD / name
