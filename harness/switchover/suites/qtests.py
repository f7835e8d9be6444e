# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's tests/qtest: programs that drive QEMU and print TAP."""

from __future__ import annotations

from pathlib import Path

from ..core import command
from ..core.progress import Progress
from ..qemu.build import Build
from ..vm.accel import DEVICE
from . import tap
from .iotest_check import QemuTestRun, fresh_folder

FOLDER = "tests/qtest"
# What a program puts before each of its paths.
TARGET = "/x86_64"
# What migration has; it is the one whose cases are also run by themselves.
MIGRATION = "migration-test"
# meson gives migration-test eight minutes, which are for a machine with KVM.
SECONDS = 1200.0
LIST_SECONDS = 60.0
# Without this it has only those tests that are quick.
WHOLE = {MIGRATION: ["--full"]}
# A /dev/kvm on which no guest boots makes some tests wait for ever. That one can't
# be used is all that they look at. A user who is not root has a namespace, too.
HIDE_KVM = [
    *("unshare", "--mount", "--map-root-user", "sh", "-c"),
    f'mount --bind /dev/null {DEVICE} && exec "$@"',
    "sh",
]


def compile_test(build: Build, name: str, progress: Progress) -> None:
    """Compile one of them; raises BuildFailed."""
    tap.compile_programs(build, [f"{FOLDER}/{name}"], progress)


def cases(build: Build, name: str) -> list[str]:
    """The paths that one of them has on this machine."""
    folder = fresh_folder(build, f"{name}.cases")
    words = [*_program(build, name), "-l"]
    env = _environment(build)
    output = command.run(*words, cwd=folder, env=env, deadline=LIST_SECONDS)
    lines = output.splitlines()
    return [line.removeprefix(TARGET) for line in lines if line.startswith(TARGET)]


async def run_case(build: Build, path: str, suffix: str = "") -> QemuTestRun:
    """Run one path of migration-test; a folder by its name keeps what it left."""
    return await run(build, MIGRATION, (path,), path.replace("/", ".") + suffix)


async def run_cases(
    build: Build, cases: list[str], title: str, progress: Progress
) -> tuple[int, int]:
    """Run paths of migration-test; how many passed, and how many, shown, did not."""
    failed = 0
    with progress.step(title, len(cases)) as task:
        for number, case in enumerate(cases, 1):
            run = await run_case(build, case)
            if run.status != "pass":
                failed += 1
                print(f"{case}: {run}; see {run.log}")
            task.update(number)
    return len(cases) - failed, failed


async def run(
    build: Build, name: str, wanted: tuple[str, ...], suffix: str = ""
) -> QemuTestRun:
    """Run one of them under TCG, as a whole or only the wanted paths of it.

    `suffix` tells apart folders of runs that are to be kept.
    """
    folder = fresh_folder(build, name + suffix)
    selected = [
        word for path in outermost(wanted) for word in ("-p", f"{TARGET}{path}")
    ]
    program = [*_program(build, name), *selected]
    return await tap.run(program, folder, _environment(build), SECONDS)


def outermost(paths: tuple[str, ...]) -> list[str]:
    """Those that are not below another one.

    GLib runs with a path what is below it, and crashes if it is to run that again.
    """
    return [one for one in paths if not any(one.startswith(f"{p}/") for p in paths)]


def _environment(build: Build) -> dict[str, str]:
    return {
        **build.environment,
        "QTEST_QEMU_BINARY": str(build.system),
        "QTEST_QEMU_IMG": str(build.img),
        "QTEST_QEMU_STORAGE_DAEMON_BINARY": str(build.storage_daemon),
    }


def _program(build: Build, name: str) -> list[str | Path]:
    """One of them, as a whole, where /dev/kvm can't be used."""
    hidden = HIDE_KVM if DEVICE.exists() else []
    return [*hidden, build.directory / FOLDER / name, *WHOLE.get(name, [])]
