# SPDX-License-Identifier: GPL-2.0-or-later
"""A built QEMU: source, tree, configure, compile; each only when it has to be."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core import paths
from ..core.command import run
from ..core.lock import exclusive
from ..core.progress import Progress
from . import configure, firmware, instrumented, ninja, tree

NAMES = ("base", "patched")
# Those that take long and are only made when they are asked for by name.
ALL = (*NAMES, *instrumented.NAMES)
# Those whose stderr and exit codes tell all that a run of them has found.
JUDGED = (*NAMES, "sanitized")
PROGRAMS = ("system", "img", "io", "nbd", "storage_daemon")
LOCAL_WORK = (
    "patched tree has local work; building that, not patches/ "
    "(scripts/series export writes it there)"
)


@dataclass(frozen=True)
class Build:
    """The programs of one build folder, in QEMU's own layout."""

    name: str
    directory: Path
    # The path that sanitizers write to, with a number of theirs; None for stderr.
    reports: Path | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What its programs have in theirs besides ours."""
        given = instrumented.environment(self.name)
        if not self.reports:
            return given
        log = f"log_path={self.reports}"
        return given | {
            name: f"{given.get(name, '')}:{log}" for name in instrumented.REPORTING
        }

    @property
    def source(self) -> str:
        """The name of the tree that it is made of."""
        return instrumented.source(self.name)

    @property
    def system(self) -> Path:
        return self.directory / "qemu-system-x86_64"

    @property
    def img(self) -> Path:
        return self.directory / "qemu-img"

    @property
    def io(self) -> Path:
        return self.directory / "qemu-io"

    @property
    def nbd(self) -> Path:
        return self.directory / "qemu-nbd"

    @property
    def storage_daemon(self) -> Path:
        return self.directory / "storage-daemon" / "qemu-storage-daemon"

    @property
    def programs(self) -> list[Path]:
        return [getattr(self, name) for name in PROGRAMS]

    def qemu_img(self, *arguments: str | Path, cwd: Path | None = None) -> None:
        """Run it to its end; raises what command.run() does."""
        run(self.img, *arguments, cwd=cwd, env=self.environment)

    def as_data(self) -> dict[str, str]:
        """What --json prints."""
        shown = ("directory", *PROGRAMS)
        return {"name": self.name} | {key: str(getattr(self, key)) for key in shown}


def ensure(name: str, progress: Progress) -> Build:
    """Bring the build of this name, one of ALL, up to date, from nothing if need be.

    Raises any HarnessError but those of guests and VMs.
    """
    source = tree.ensure(name, progress)
    if source.has_local_work:
        print(LOCAL_WORK, file=sys.stderr)
    build = Build(name, paths.build_dir(name))
    with exclusive(name, f"building {name}"):
        make(build, source.directory, progress)
    return build


def make(
    build: Build, source: Path, progress: Progress, tests: Sequence[str] = ()
) -> None:
    """Configure it if need be, and compile its programs and those tests that it has."""
    # Below logs/; a sanitizer does not make it.
    instrumented.races().mkdir(parents=True, exist_ok=True)
    if not configure.is_configured(source, build.directory):
        with progress.step(f"configure {build.name}"):
            log = paths.LOGS / f"configure-{build.name}.log"
            configure.configure(source, build.directory, log)
    # Before the long part, which is of no use when this can't be had.
    firmware.link(build.directory)
    targets = [str(path.relative_to(build.directory)) for path in build.programs]
    if tests:
        known = (build.directory / "build.ninja").read_text()
        targets += [test for test in tests if f"\nbuild {test}:" in known]
    with progress.step(f"compile {build.name}") as step:
        log = paths.LOGS / f"compile-{build.name}.log"
        ninja.compile_targets(build.directory, targets, log, step)
