# SPDX-License-Identifier: GPL-2.0-or-later
"""Sequences as tests: those that once found a bug; new ones are for scripts/fuzz.

A file in harness/tests/sequences may say in its first line what unpatched QEMU does:
{"about": "...", "base": "REGEX"}. Without the patches it has to do that, else the
sequence proves nothing any more.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

from .. import paths
from ..build import Build
from ..progress import Progress
from . import replay, step

FOLDER = paths.ROOT / "harness" / "tests" / "sequences"


def run(builds: list[Build], progress: Progress) -> tuple[int, int]:
    """Play all on these builds; how many were as they have to be, and how many not."""
    passed = failed = 0
    files = sorted(FOLDER.glob("*.jsonl"))
    for build in builds:
        with progress.step(f"sequences on {build.name}", len(files)) as running:
            for number, path in enumerate(files):
                for different in _play(build, path):
                    print(f"{path.name} on {build.name}: {different}")
                    failed, passed = failed + 1, passed - 1
                passed += 1
                running.update(number)
    return passed, failed


def _play(build: Build, path: Path) -> Iterator[str]:
    """What is not as it has to be, if anything."""
    expected = step.about(path).get("base") if build.source == "base" else None
    if build.source == "base" and expected is None:
        return
    outcome = asyncio.run(replay.play(build, step.read(path), path.stem))
    said = "; ".join(outcome.wrong)
    if expected and not re.search(expected, said):
        yield f"expected {expected}; was {said or 'nothing wrong'}; see {outcome.folder}"
    elif said and not expected:
        yield f"{said}; see {outcome.folder}"
