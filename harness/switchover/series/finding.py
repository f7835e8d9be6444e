# SPDX-License-Identifier: GPL-2.0-or-later
"""What a check of the series found, and what is remembered of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from ..core import files, paths


@dataclass(frozen=True)
class Finding:
    """One thing that was checked: `wrong` says what is not as it should be.

    `patch` is its place in the series; 0 for what is about the series as a whole.
    """

    patch: int
    subject: str
    check: str
    wrong: str = ""
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


class Memory:
    """What the slow checks found, by a key for all that decides it."""

    def __init__(self) -> None:
        self._path = paths.BUILD / "series-check.json"

    def recall(self, key: str) -> list[Finding] | None:
        """What was found; None if it was never checked to its end."""
        found = self._read().get(key)
        return found and [Finding(**one, remembered=True) for one in found]

    def store(self, key: str, findings: list[Finding]) -> None:
        """Remember this."""
        known = self._read()
        known[key] = [
            {k: v for k, v in asdict(one).items() if k != "remembered"}
            for one in findings
        ]
        files.write_json(self._path, known)

    def _read(self) -> dict[str, list[dict[str, Any]]]:
        try:
            return json.loads(self._path.read_text())
        except (FileNotFoundError, ValueError):
            return {}
