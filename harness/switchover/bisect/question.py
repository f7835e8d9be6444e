# SPDX-License-Identifier: GPL-2.0-or-later
"""What is to be found out, kept in a file so that an interrupted run goes on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ..core import files
from . import folders
from .outcome import BAD, GOOD


@dataclass(frozen=True)
class Question:
    """Which commit after `old` and up to `new` changed the scenario's verdict.

    Both are commits of `repository`. `cures`: the old end is the bad one. Only
    commits that touch `paths` count, if there are any; each step is `repeat` runs.
    """

    repository: str
    old: str
    new: str
    cures: bool
    scenario: str
    repeat: int
    paths: tuple[str, ...] = ()

    def expected(self, is_new: bool) -> str:
        """The verdict that an end has to have."""
        return GOOD if is_new == self.cures else BAD

    def store(self) -> None:
        """Write it to its file."""
        files.write_json(_file(), asdict(self))


def stored() -> Question | None:
    """The question that is not answered yet, if there is one."""
    try:
        data = json.loads(_file().read_text())
        return Question(**{**data, "paths": tuple(data["paths"])})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def forget() -> None:
    """It is answered, or was wrong."""
    _file().unlink(missing_ok=True)


def _file() -> Path:
    return folders.home() / "question.json"
