# SPDX-License-Identifier: GPL-2.0-or-later
"""Sequences as tests: those that once found a bug, and a few new ones.

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
from .search import Search

FOLDER = paths.ROOT / "harness" / "tests" / "sequences"
# The same ones each time: new ones are for scripts/fuzz.
SEED = 1
SEQUENCES = 20
SECONDS = 180.0


def run(builds: list[Build], progress: Progress) -> tuple[int, int]:
    """Play all on these builds; how many were as they have to be, and how many not.

    The new ones are played on builds of the patched source, and count as one.
    """
    passed = failed = 0
    files = sorted(FOLDER.glob("*.jsonl"))
    for build in builds:
        with progress.step(f"sequences on {build.name}", len(files) + 1) as running:
            for number, path in enumerate(files):
                for different in _play(build, path):
                    print(f"{path.name} on {build.name}: {different}")
                    failed, passed = failed + 1, passed - 1
                passed += 1
                running.update(number)
            if build.source == "patched":
                found = _search(build)
                passed, failed = passed + (not found), failed + found
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


def _search(build: Build) -> bool:
    """Whether new sequences find something."""
    search = Search(build, SEED, lambda _: None, seconds=SECONDS, most=SEQUENCES)
    search.run()
    for finding in search.findings.values():
        print(finding)
    return bool(search.findings)
