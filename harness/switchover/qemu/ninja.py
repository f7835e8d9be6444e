# SPDX-License-Identifier: GPL-2.0-or-later
"""ninja, or make for an old QEMU, which compiles what has changed."""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from subprocess import STDOUT

from ..core.command import NO_SPACE, start, stopping
from ..core.errors import BuildFailed
from ..core.progress import Task
from .configure import environment

SHOWN_ERRORS = 20
COUNTED = re.compile(r"\[(\d+)/(\d+)\] ")
ERROR = re.compile(r"error:|undefined reference|^FAILED: ")


def compile_targets(
    directory: Path,
    targets: list[str],
    log: Path,
    step: Task,
    program: tuple[str, ...] = ("ninja",),
) -> None:
    """Bring targets up to date in a configured folder; everything goes to `log`.

    The compiler's error lines are shown on stderr. Raises BuildFailed, and
    OSError (ENOSPC) on a full disk: what was not finished is made again.
    """
    env = {**environment(), "NINJA_STATUS": "[%f/%t] "}
    command = [*program, *targets]
    compiler = start(*command, cwd=directory, env=env, stderr=STDOUT)
    with compiler as process, stopping(process):
        assert process.stdout
        errors = _follow(process.stdout, log, step)
    if process.returncode:
        _raise(errors, log)


def _follow(lines: Iterable[str], log: Path, step: Task) -> list[str]:
    """Copy ninja's output to the log and the step; returns its error lines."""
    errors = []
    with log.open("w") as file:
        for line in lines:
            file.write(line)
            if count := COUNTED.match(line):
                step.update(int(count[1]), int(count[2]))
            elif ERROR.search(line) or NO_SPACE in line:
                errors.append(line.rstrip())
    return errors


def _raise(errors: list[str], log: Path) -> None:
    if any(NO_SPACE in line for line in errors):
        raise OSError(errno.ENOSPC, NO_SPACE, str(log.parent))
    print(*errors[:SHOWN_ERRORS], sep="\n", file=sys.stderr)
    raise BuildFailed(f"QEMU does not compile; the errors are in {log}")
