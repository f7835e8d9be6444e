# SPDX-License-Identifier: GPL-2.0-or-later
"""What sanitizers report of processes whose stderr a test keeps to itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core import paths
from ..judging.oracle import SANITIZER

VARIABLES = ("ASAN_OPTIONS", "UBSAN_OPTIONS")


@contextmanager
def kept() -> Iterator[None]:
    """Have all processes that are started meanwhile write their reports to files."""
    folder().mkdir(parents=True, exist_ok=True)
    for report in folder().iterdir():
        report.unlink()
    log = f"log_path={folder() / 'report'}"
    before = {name: os.environ.get(name, "") for name in VARIABLES}
    os.environ.update({name: f"{before[name]}:{log}" for name in VARIABLES})
    try:
        yield
    finally:
        os.environ.update(before)


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
