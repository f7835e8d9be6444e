# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's tests/qtest: programs that drive QEMU and print TAP."""

from __future__ import annotations

import time

from . import family, ninja, paths
from .accel import DEVICE
from .build import Build
from .check import Outcome, fresh_folder
from .command import reason
from .lock import exclusive
from .progress import Progress
from .unittests import FAILED

FOLDER = "tests/qtest"
# What a program puts before each of its paths.
TARGET = "/x86_64"
# meson gives migration-test eight minutes, which are for a machine with KVM.
SECONDS = 1200.0
# Without this it has only those tests that are quick.
WHOLE = {"migration-test": ["--full"]}
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


async def run(build: Build, name: str, wanted: tuple[str, ...]) -> Outcome:
    """Run one of them under TCG, as a whole or only the wanted paths of it."""
    folder = fresh_folder(build, name)
    log = folder / "output"
    selected = [word for path in wanted for word in ("-p", f"{TARGET}{path}")]
    command = [build.directory / FOLDER / name, "--tap", "-k"]
    env = {
        "QTEST_QEMU_BINARY": str(build.system),
        "QTEST_QEMU_IMG": str(build.img),
        "QTEST_QEMU_STORAGE_DAEMON_BINARY": str(build.storage_daemon),
    }
    start = time.monotonic()
    code = await family.run(
        [*_hiding_kvm(), *command, *WHOLE.get(name, []), *selected],
        folder,
        log,
        SECONDS,
        env,
    )
    seconds = time.monotonic() - start
    text = log.read_text(errors="replace")
    if code is None:
        return Outcome("hang", f"no end after {SECONDS:.0f} s", seconds, log, text)
    if code:
        found = FAILED.search(text)
        said = found[1] if found else reason(text)
        return Outcome("fail", said, seconds, log, text)
    if "\nok " not in f"\n{text}":
        # A path that is not there is no error to GLib.
        return Outcome("not run", "none of its tests was run", seconds, log, text)
    return Outcome("pass", "", seconds, log)


def _hiding_kvm() -> list[str]:
    return HIDE_KVM if DEVICE.exists() else []
