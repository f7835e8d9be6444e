# SPDX-License-Identifier: GPL-2.0-or-later
"""Sequences that were kept, played again; as tests, those that once found a bug.

A file in harness/tests/sequences says in its first line which statuses its migrations
have to go through first, with the patches, and may say what unpatched QEMU does:
{"about": "...", "reached": ["STATUS", ...], "base": "REGEX"}. If they do something
else the sequence proves nothing any more.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..core import files, paths
from ..core.errors import HarnessError
from ..core.progress import Progress
from ..judging.oracle import Verdict
from ..qemu.build import Build
from . import step
from .ending import Ending
from .player import Player
from .search import Search
from .step import Step

FOLDER = paths.ROOT / "harness" / "tests" / "sequences"
# The same ones each time: new ones are for scripts/fuzz.
SEED = 1
SEQUENCES = 20
# Else they would not have been worth much.
REACHED = {"ready", "completed", "cancelled"}


@dataclass(frozen=True)
class Replayed:
    """What came of a sequence on a build; its folder keeps what it left."""

    verdict: Verdict
    refusals: tuple[str, ...]
    folder: Path

    @property
    def wrong(self) -> list[str]:
        return self.verdict.wrong()

    def as_data(self) -> dict[str, Any]:
        """What --json prints."""
        return {
            "wrong": self.wrong,
            "verdict": asdict(self.verdict),
            "folder": str(self.folder),
        }

    def __str__(self) -> str:
        journey = " -> ".join(self.verdict.journey) or "no migration has ended"
        lines = [*(f"refused: {text}" for text in self.refusals), journey]
        lines += [f"wrong: {text}" for text in self.wrong] or ["nothing is wrong"]
        return "\n".join([*lines, f"see {self.folder}"])


async def play(build: Build, steps: list[Step], name: str = "replay") -> Replayed:
    """Play a sequence and judge it; `name` is that of its folder."""
    folder = files.empty(paths.BUILD / "fuzz" / build.name / name)
    player = Player(build, folder)
    try:
        for one in steps[:-1]:
            await player.play(one)
        await Ending(player).play(steps[-1])
        return Replayed(await player.verdict(), tuple(player.notes.errors), folder)
    finally:
        await player.processes.kill()


def run(builds: list[Build], progress: Progress) -> tuple[int, int]:
    """Play all on these builds; how many were as they have to be, and how many not.

    The new ones are played on builds of the patched source, and count as one. A
    HarnessError is raised when all others have been played.
    """
    results: list[bool] = []
    lost: list[HarnessError] = []
    for build in builds:
        plays = [partial(_replay, build, path) for path in _files(build)]
        if build.source == "patched":
            plays.append(partial(_search, build))
        with progress.step(f"sequences on {build.name}", len(plays)) as running:
            for number, one in enumerate(plays, 1):
                try:
                    different = one()
                except HarnessError as error:
                    lost.append(error)
                    continue
                print(*different, sep="\n", end="\n" if different else "")
                results.append(not different)
                running.update(number)
    if lost:
        raise lost[0]
    return results.count(True), results.count(False)


def _files(build: Build) -> list[Path]:
    """Those that say what this build does; the patched one does nothing wrong."""
    every = sorted(FOLDER.glob("*.jsonl"))
    return [f for f in every if build.source == "patched" or "base" in step.about(f)]


def _replay(build: Build, path: Path) -> list[str]:
    """What is not as it has to be; nothing if all is."""
    expected = step.about(path).get("base") if build.source == "base" else None
    replayed = asyncio.run(play(build, step.read(path), path.stem))
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
