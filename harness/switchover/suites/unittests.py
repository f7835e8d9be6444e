# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's tests/unit: programs that are compiled from the tree and print TAP."""

from __future__ import annotations

import re
from dataclasses import replace

from ..core import paths
from ..core.progress import Progress
from ..qemu import patches
from ..qemu.build import Build
from . import tap
from .iotest_check import QemuTestRun, fresh_folder

FOLDER = "tests/unit"
# meson gives the slowest of these a minute.
SECONDS = 300.0
SOURCE = rf"{FOLDER}/((?:test|check)-[\w-]+)\.c"
# How a patch begins what it changes of one of them.
TOUCHED = re.compile(rf"^\+\+\+ b/{SOURCE}$", re.MULTILINE)
BLOCK = [
    "test-bdrv-drain",
    "test-bdrv-graph-mod",
    "test-block-backend",
    "test-block-iothread",
    "test-blockjob",
    "test-blockjob-txn",
    "test-image-locking",
    "test-iov",
    "test-replication",
    "test-throttle",
    "test-write-threshold",
]
BUILT = re.compile(rf"^build {FOLDER}/([\w-]+):", re.MULTILINE)


def own() -> list[str]:
    """The names of those that the series adds, or adds cases to."""
    texts = [patch.read_text() for patch in patches.ordered()]
    return sorted({name for text in texts for name in TOUCHED.findall(text)})


def all_tests(build: Build) -> list[str]:
    """The names of all that this build has."""
    return sorted(BUILT.findall((build.directory / "build.ninja").read_text()))


def compile_tests(build: Build, wanted: list[str], progress: Progress) -> list[str]:
    """Compile those of the wanted tests that this build has; their names."""
    known = all_tests(build)
    names = [name for name in wanted if name in known]
    if names:
        tap.compile_programs(build, [f"{FOLDER}/{name}" for name in names], progress)
    return names


async def run(build: Build, name: str, suffix: str = "") -> QemuTestRun:
    """Run one of them, with meson's options and environment."""
    folder = fresh_folder(build, f"{name}{suffix}")
    # One of them writes there.
    (folder / "tests").mkdir()
    program = build.directory / FOLDER / name
    env = {
        **build.environment,
        "G_TEST_SRCDIR": str(paths.tree_dir(build.source) / FOLDER),
        "G_TEST_BUILDDIR": str(program.parent),
    }
    ended = await tap.run([program], folder, env, SECONDS)
    # GLib and QEMU begin with the program's name, which must not make a difference.
    return replace(ended, reason=ended.reason.replace(f"{program.parent}/", ""))
