# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as text for people and as data for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from rich.table import Table

from .outcome import BAD, GOOD, CommitResult, Outcome
from .repository import short
from .session import Conclusion

Verdicts = Mapping[str, Mapping[str, Outcome]]


def table(results: Iterable[CommitResult]) -> Table:
    """Each result: commit, verdict, how many runs were bad, times in seconds, why."""
    view = Table(show_lines=False)
    for column in ("step", "commit", "verdict", "bad runs", "build", "runs", "subject"):
        view.add_column(column, overflow="fold")
    for result in results:
        bad = f"{result.outcomes.count(BAD)}/{len(result.outcomes)}"
        times = f"{result.build_seconds:.0f} s", f"{result.run_seconds:.0f} s"
        cells = (result.role, short(result.commit), result.verdict, bad, *times)
        view.add_row(*cells, result.subject)
    return view


def answer(conclusion: Conclusion) -> str:
    """The last words."""
    what = "cured" if conclusion.question.cures else "brought"
    if conclusion.is_decisive:
        assert conclusion.first
        commit, subject = conclusion.first.commit, conclusion.first.subject
        parents = [
            result for result in conclusion.results if result.role == "its parent"
        ]
        return "\n".join(
            [
                f"{commit} {what} it: {subject}",
                f"  {conclusion.first.counted()}: {conclusion.first.why}",
                *(f"  its parent: {p.counted()}: {p.why}" for p in parents),
            ]
        )
    lines = [f"No commit is named: {conclusion.doubt}."]
    if conclusion.first:
        lines.append(f"  {conclusion.first.commit} {conclusion.first.subject}")
    lines += [f"  it may be {commit}" for commit in conclusion.candidates]
    return "\n".join(lines)


def data(conclusion: Conclusion) -> dict[str, Any]:
    """The same as plain data; durations are in seconds."""
    first = conclusion.first if conclusion.is_decisive else None
    return {
        "question": asdict(conclusion.question),
        "commit": first.commit if first else None,
        "subject": first.subject if first else None,
        "doubt": conclusion.doubt,
        "candidates": list(conclusion.candidates),
        "steps": [asdict(result) for result in conclusion.results],
        "log": conclusion.log.splitlines(),
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
