# SPDX-License-Identifier: GPL-2.0-or-later
"""What a check of the series found, and what is remembered of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..core import files, paths


@dataclass(frozen=True)
class Finding:
    """One thing that was checked: `wrong` says what is not as it should be.

    `patch` is its place in the series; 0 for what is about the series as a whole.
    """

    check: str
    wrong: str = ""
    patch: int = 0
    subject: str = ""
    seconds: float = 0.0
    log: str = ""
    remembered: bool = False

    @property
    def passed(self) -> bool:
        return not self.wrong

    def as_data(self) -> dict[str, Any]:
        """What --json prints."""
        return {**asdict(self), "passed": self.passed}

    def __str__(self) -> str:
        where = f"{self.patch:04} {self.subject}: " if self.patch else ""
        log = f"; see {self.log}" if self.log and self.wrong else ""
        return f"{where}{self.check}: {self.wrong or 'passed'}{log}"


def recall(key: str) -> list[Finding]:
    """What was found; nothing if what the key stands for was not checked to its end."""
    return [Finding(**one) for one in _read().get(key, [])]


def store(key: str, findings: list[Finding]) -> None:
    """Remember this by a key for all that decides it."""
    found = [{**asdict(one), "remembered": True} for one in findings]
    files.write_json(_file(), {**_read(), key: found})


def _read() -> dict[str, list[dict[str, Any]]]:
    try:
        known: dict[str, list[dict[str, Any]]] = json.loads(_file().read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return known


def _file() -> Path:
    return paths.BUILD / "series-check.json"
