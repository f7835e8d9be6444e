# SPDX-License-Identifier: GPL-2.0-or-later
"""What sanitizers report of processes whose stderr a test keeps to itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..core import files, paths
from ..core.progress import Progress
from ..judging.oracle import SANITIZER
from ..qemu.build import Build


def counted(
    run: Callable[[Build, Progress], tuple[int, int]], build: Build, progress: Progress
) -> tuple[int, int]:
    """What `run` returns, and each report, which is printed, as one more failure.

    It is run with the same build, each of whose processes writes to report.<pid>.
    """
    folder = files.empty(paths.LOGS / "sanitizers")
    passed, failed = run(replace(build, reports=folder / "report"), progress)
    for report in sorted(folder.iterdir()):
        if match := SANITIZER.search(report.read_text(errors="replace")):
            print(f"{match[match.lastindex or 0]}; see {report}")
            failed += 1
    return passed, failed
