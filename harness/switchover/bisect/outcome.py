# SPDX-License-Identifier: GPL-2.0-or-later
"""What one run of a scenario showed, and what that says about a revision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

GOOD, BAD, SKIP = "good", "bad", "skip"


@dataclass(frozen=True)
class Outcome:
    """One run: its verdict and, in a few words, why.

    A skip says nothing about crashes and losses: something else went wrong, or
    that QEMU has not what it takes.
    """

    verdict: str
    why: str


@dataclass(frozen=True)
class CommitResult:
    """What was found at one revision; durations are in seconds.

    `role` says what the step was for: "old end", "new end", "step", "first
    commit", "its parent". `digest` is of the programs without what debuggers
    read, where it was asked for.
    """

    commit: str
    subject: str
    role: str
    verdict: str
    why: str
    outcomes: tuple[str, ...] = ()
    build_seconds: float = 0.0
    run_seconds: float = 0.0
    digest: str = field(default="")

    def rate(self) -> float:
        """The share of bad ones among the runs that said something."""
        telling = [outcome for outcome in self.outcomes if outcome != SKIP]
        return telling.count(BAD) / len(telling) if telling else 0.0

    def counted(self) -> str:
        """How many runs were bad, in words."""
        count = Counter(self.outcomes)
        skipped = f", {count[SKIP]} without a verdict" if count[SKIP] else ""
        return f"{count[BAD]} of {len(self.outcomes)} runs bad{skipped}"


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """The verdict on a revision: bad if any run was, else good if any was."""
    for verdict in (BAD, GOOD):
        reasons = _reasons(o.why for o in outcomes if o.verdict == verdict)
        if reasons:
            return Outcome(verdict, reasons)
    return Outcome(SKIP, _reasons(o.why for o in outcomes) or "it was not run")


def _reasons(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts))
