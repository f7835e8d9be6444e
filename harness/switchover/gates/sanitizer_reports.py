# SPDX-License-Identifier: GPL-2.0-or-later
"""What sanitizers report of processes whose stderr a test keeps to itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..core import paths
from ..core.progress import Progress
from ..judging.oracle import SANITIZER
from ..qemu.build import Build


def kept(build: Build) -> Build:
    """The same build, whose processes write reports to files; there are none yet."""
    folder().mkdir(parents=True, exist_ok=True)
    for report in folder().iterdir():
        report.unlink()
    return replace(build, reports=folder() / "report")


def counted(
    run: Callable[[Build, Progress], tuple[int, int]], build: Build, progress: Progress
) -> tuple[int, int]:
    """What `run` returns, and each report, which is printed, as one more failure."""
    passed, failed = run(kept(build), progress)
    reports = found()
    for report in reports:
        print(report)
    return passed, failed + len(reports)


def found() -> list[str]:
    """Each report that was kept, in words."""
    said = []
    for report in sorted(folder().iterdir()):
        if match := SANITIZER.search(report.read_text(errors="replace")):
            said.append(f"{match[match.lastindex or 0]}; see {report}")
    return said


def folder() -> Path:
    """Where they are, each process's as report.<pid>."""
    return paths.LOGS / "sanitizers"
