# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays a sequence that was kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..core import files, paths
from ..judging.oracle import Verdict
from ..qemu.build import Build
from .ending import Ending
from .player import Player
from .step import Step


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
