# SPDX-License-Identifier: GPL-2.0-or-later
"""The steps of a bisection so far, a line each in a file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from . import folders
from .outcome import Step


def steps() -> list[Step]:
    """All steps, in the order in which they were made."""
    try:
        lines = _file().read_text().splitlines()
    except FileNotFoundError:
        return []
    return [step for line in lines if (step := _parsed(line))]


def find(commit: str, role: str | None = None) -> Step | None:
    """The step at a commit, of any role if none is given."""
    for step in steps():
        if step.commit == commit and role in (None, step.role):
            return step
    return None


def add(step: Step) -> None:
    """Append a step."""
    with open(_file(), "a") as file:
        file.write(json.dumps(asdict(step)) + "\n")


def clear() -> None:
    """Begin anew."""
    _file().unlink(missing_ok=True)


def _parsed(line: str) -> Step | None:
    """A step; None for a line that was cut off."""
    try:
        data = json.loads(line)
        return Step(**{**data, "outcomes": tuple(data["outcomes"])})
    except (ValueError, TypeError, KeyError):
        return None


def _file() -> Path:
    return folders.home() / "steps.jsonl"
