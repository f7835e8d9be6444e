# SPDX-License-Identifier: GPL-2.0-or-later
"""The results of a bisection so far, a line each in a file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from . import folders
from .outcome import CommitResult


def results() -> list[CommitResult]:
    """All results, in the order in which they were made."""
    try:
        lines = _file().read_text().splitlines()
    except FileNotFoundError:
        return []
    return [result for line in lines if (result := _parsed(line))]


def find(commit: str, role: str | None = None) -> CommitResult | None:
    """The result at a commit, of any role if none is given."""
    for result in results():
        if result.commit == commit and role in (None, result.role):
            return result
    return None


def add(result: CommitResult) -> None:
    """Append a result."""
    with open(_file(), "a") as file:
        file.write(json.dumps(asdict(result)) + "\n")


def clear() -> None:
    """Begin anew."""
    _file().unlink(missing_ok=True)


def _parsed(line: str) -> CommitResult | None:
    """A result; None for a line that was cut off."""
    try:
        data = json.loads(line)
        return CommitResult(**{**data, "outcomes": tuple(data["outcomes"])})
    except (ValueError, TypeError, KeyError):
        return None


def _file() -> Path:
    return folders.home() / "steps.jsonl"
