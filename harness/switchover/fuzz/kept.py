# SPDX-License-Identifier: GPL-2.0-or-later
"""Sequences as tests: those that once found a bug, and a few new ones.

A file in harness/tests/sequences says in its first line which statuses its migrations
have to go through first, with the patches, and may say what unpatched QEMU does:
{"about": "...", "reached": ["STATUS", ...], "base": "REGEX"}. If they do something
else the sequence proves nothing any more.
"""

from __future__ import annotations

import asyncio
import re
from functools import partial
from pathlib import Path

from ..core import paths
from ..core.errors import HarnessError
from ..core.progress import Progress
from ..qemu.build import Build
from . import replay, step
from .search import Search

FOLDER = paths.ROOT / "harness" / "tests" / "sequences"
# The same ones each time: new ones are for scripts/fuzz.
SEED = 1
SEQUENCES = 20
# Else they would not have been worth much.
REACHED = {"ready", "completed", "cancelled"}


def run(builds: list[Build], progress: Progress) -> tuple[int, int]:
    """Play all on these builds; how many were as they have to be, and how many not.

    The new ones are played on builds of the patched source, and count as one. A
    HarnessError is raised when all others have been played.
    """
    results: list[bool] = []
    lost: list[HarnessError] = []
    for build in builds:
        plays = [partial(_play, build, path) for path in _files(build)]
        if build.source == "patched":
            plays.append(partial(_search, build))
        with progress.step(f"sequences on {build.name}", len(plays)) as running:
            for number, play in enumerate(plays, 1):
                try:
                    different = play()
                except HarnessError as error:
                    lost.append(error)
                    continue
                for text in different:
                    print(text)
                results.append(not different)
                running.update(number)
    if lost:
        raise lost[0]
    return results.count(True), results.count(False)


def _files(build: Build) -> list[Path]:
    """Those that say what this build does; the patched one does nothing wrong."""
    files = sorted(FOLDER.glob("*.jsonl"))
    return [f for f in files if build.source == "patched" or "base" in step.about(f)]


def _play(build: Build, path: Path) -> list[str]:
    """What is not as it has to be; nothing if all is."""
    expected = step.about(path).get("base") if build.source == "base" else None
    replayed = asyncio.run(replay.play(build, step.read(path), path.stem))
    wrong = list(replayed.wrong)
    if build.source == "patched":
        journey = list(replayed.verdict.journey)
        reached = step.about(path)["reached"]
        if journey[: len(reached)] != reached:
            wrong.append(f"it went {journey}, not first {reached}")
    said = "; ".join(wrong)
    if re.search(expected, said) if expected else not said:
        return []
    different = f"{said or 'nothing wrong'}, not {expected or 'that'}"
    return [f"{path.name} on {build.name}: {different}; see {replayed.folder}"]


def _search(build: Build) -> list[str]:
    """What new sequences have found, and what they should have tried."""
    search = Search(build, SEED, lambda _: None, most=SEQUENCES)
    search.run()
    missing = sorted(REACHED - search.reached.keys())
    wrong = [*map(str, search.findings.values()), *search.errors]
    return wrong + [f"no sequence has reached {status}" for status in missing]
