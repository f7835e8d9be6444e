# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as text for people and as data for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from rich.table import Table

from .outcome import BAD, GOOD, Outcome, Step
from .repository import short
from .session import Report

Verdicts = Mapping[str, Mapping[str, Outcome]]


def table(steps: Iterable[Step]) -> Table:
    """Each step: commit, verdict, how many runs were bad, times in seconds, why."""
    view = Table(show_lines=False)
    for column in ("step", "commit", "verdict", "bad runs", "build", "runs", "subject"):
        view.add_column(column, overflow="fold")
    for step in steps:
        bad = f"{step.outcomes.count(BAD)}/{len(step.outcomes)}"
        times = f"{step.build_seconds:.0f} s", f"{step.run_seconds:.0f} s"
        cells = (step.role, short(step.commit), step.verdict, bad, *times)
        view.add_row(*cells, step.subject)
    return view


def answer(report: Report) -> str:
    """The last words."""
    what = "cured" if report.question.cures else "brought"
    if report.is_decisive:
        assert report.first
        commit, subject = report.first.commit, report.first.subject
        parents = [step for step in report.steps if step.role == "its parent"]
        return "\n".join(
            [
                f"{commit} {what} it: {subject}",
                f"  {report.first.counted()}: {report.first.why}",
                *(f"  its parent: {p.counted()}: {p.why}" for p in parents),
            ]
        )
    lines = [f"No commit is named: {report.doubt}."]
    if report.first:
        lines.append(f"  {report.first.commit} {report.first.subject}")
    lines += [f"  it may be {commit}" for commit in report.candidates]
    return "\n".join(lines)


def data(report: Report) -> dict[str, Any]:
    """The same as plain data; durations are in seconds."""
    return {
        "question": asdict(report.question),
        "commit": report.first.commit if report.is_decisive else None,
        "subject": report.first.subject if report.is_decisive else None,
        "doubt": report.doubt,
        "candidates": list(report.candidates),
        "steps": [asdict(step) for step in report.steps],
        "log": report.log.splitlines(),
    }


def verdicts(found: Verdicts) -> Table:
    """Revisions by scenarios, a word or two in each cell."""
    view = Table(show_lines=False)
    view.add_column("revision")
    names = dict.fromkeys(name for row in found.values() for name in row)
    for name in names:
        # All portable ones side by side are as wide as a page.
        view.add_column(name.replace("-", "-\n"))
    for revision, row in found.items():
        view.add_row(revision, *(word(row[name]) for name in names))
    return view


def word(outcome: Outcome) -> str:
    """An outcome in a word or two."""
    if outcome.verdict == BAD:
        told = {"crash:": "crash", "abort:": "crash", "never copied": "loss"}
        words = dict.fromkeys(w for text, w in told.items() if text in outcome.why)
        return "+".join(words) or "bad"
    if outcome.verdict == GOOD:
        return outcome.why.split(":")[0].split(";")[0]
    return "-"


def verdicts_data(found: Verdicts) -> dict[str, Any]:
    """The same as plain data, with reasons."""
    return {
        revision: {name: asdict(outcome) for name, outcome in row.items()}
        for revision, row in found.items()
    }
