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
from pathlib import Path

from ..core import paths
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

    The new ones are played on builds of the patched source, and count as one.
    """
    passed = failed = 0
    for build in builds:
        files = _files(build)
        with progress.step(f"sequences on {build.name}", len(files) + 1) as running:
            for number, path in enumerate(files):
                different = _play(build, path)
                if different:
                    print(f"{path.name} on {build.name}: {different}")
                passed, failed = passed + (not different), failed + bool(different)
                running.update(number)
            if build.source == "patched":
                found = _search(build)
                passed, failed = passed + (not found), failed + found
    return passed, failed


def _files(build: Build) -> list[Path]:
    """Those that say what this build does; the patched one does nothing wrong."""
    files = sorted(FOLDER.glob("*.jsonl"))
    return [f for f in files if build.source == "patched" or "base" in step.about(f)]


def _play(build: Build, path: Path) -> str:
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
    as_expected = re.search(expected, said) if expected else not said
    if as_expected:
        return ""
    return f"{said or 'nothing wrong'}, not {expected or 'that'}; see {replayed.folder}"


def _search(build: Build) -> bool:
    """Whether new sequences find something, or have not tried what they should."""
    search = Search(build, SEED, lambda _: None, most=SEQUENCES)
    search.run()
    missing = REACHED - search.reached.keys()
    wrong = [*search.findings.values(), *search.errors]
    wrong += (
        [f"no sequence has reached {', '.join(sorted(missing))}"] if missing else []
    )
    for one in wrong:
        print(one)
    return bool(wrong)
