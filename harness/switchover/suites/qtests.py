# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's tests/qtest: programs that drive QEMU and print TAP."""

from __future__ import annotations

import re
import time

from ..core import command, descendants, paths
from ..core.lock import exclusive
from ..core.progress import Progress
from ..qemu import ninja
from ..qemu.build import Build
from ..vm.accel import DEVICE
from .iotest_check import QemuTestRun, fresh_folder
from .unittests import FAILED

FOLDER = "tests/qtest"
# What a program puts before each of its paths.
TARGET = "/x86_64"
# What migration has; it is the one whose cases are also run by themselves.
MIGRATION = "migration-test"
# meson gives migration-test eight minutes, which are for a machine with KVM.
SECONDS = 1200.0
LIST_SECONDS = 60.0
# "# SKIP reason" after "ok", GLib's word for a case that did not run.
SKIPPED = re.compile(r"^ok .*# SKIP ?(.*)$", re.MULTILINE)
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
    log = paths.LOGS / f"compile-qtest-{build.name}.log"
    with (
        exclusive(build.name, f"building {build.name}"),
        progress.step(f"compile {build.name}'s {name}") as step,
    ):
        ninja.compile_targets(build.directory, [f"{FOLDER}/{name}"], log, step)


def cases(build: Build, name: str) -> list[str]:
    """The paths that one of them has on this machine."""
    program = build.directory / FOLDER / name
    words = [*_hiding_kvm(), program, *WHOLE.get(name, []), "-l"]
    folder = fresh_folder(build, f"{name}.cases")
    output = command.run(
        *words, cwd=folder, env=_environment(build), deadline=LIST_SECONDS
    )
    lines = output.splitlines()
    return [line.removeprefix(TARGET) for line in lines if line.startswith(TARGET)]


async def run_case(build: Build, path: str, suffix: str = "") -> QemuTestRun:
    """Run one path of migration-test; a folder by its name keeps what it left."""
    return await run(build, MIGRATION, (path,), path.replace("/", ".") + suffix)


async def run_cases(
    build: Build, cases: list[str], title: str, progress: Progress
) -> int:
    """Run paths of migration-test, and show those that did not pass; how many."""
    failed = 0
    with progress.step(title, len(cases)) as step:
        for number, case in enumerate(cases, 1):
            outcome = await run_case(build, case)
            if outcome.status != "pass":
                failed += 1
                print(f"{case}: {outcome}; see {outcome.log}")
            step.update(number)
    return failed


async def run(
    build: Build, name: str, wanted: tuple[str, ...], suffix: str = ""
) -> QemuTestRun:
    """Run one of them under TCG, as a whole or only the wanted paths of it.

    `suffix` tells apart folders of runs that are to be kept.
    """
    folder = fresh_folder(build, name + suffix)
    log = folder / "output"
    selected = [
        word for path in outermost(wanted) for word in ("-p", f"{TARGET}{path}")
    ]
    program = [build.directory / FOLDER / name, "--tap", "-k"]
    words = [*_hiding_kvm(), *program, *WHOLE.get(name, []), *selected]
    start = time.monotonic()
    code = await descendants.run(words, folder, log, SECONDS, _environment(build))
    seconds = time.monotonic() - start
    text = log.read_text(errors="replace")
    if code is None:
        return QemuTestRun("hang", f"no end after {SECONDS:.0f} s", seconds, log, text)
    if code:
        found = FAILED.search(text)
        said = found[1] if found else command.reason(text)
        return QemuTestRun("fail", said, seconds, log, text)
    if "\nok " not in f"\n{text}":
        # A path that is not there is no error to GLib.
        return QemuTestRun("not run", "none of its tests was run", seconds, log, text)
    if len(wanted) == 1 and (skipped := SKIPPED.search(text)):
        return QemuTestRun("not run", skipped[1], seconds, log)
    return QemuTestRun("pass", "", seconds, log)


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


def _hiding_kvm() -> list[str]:
    return HIDE_KVM if DEVICE.exists() else []
