# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether the commit that a bisection has found is the one: no race fooled it."""

from __future__ import annotations

from collections.abc import Sequence

from .outcome import SKIP, CommitResult

FEWEST_RUNS = 5
# How probable it may be that the good one of the two was good by luck.
LUCK = 0.01


def runs(repeat: int) -> int:
    """How often the commit and its parents are run again."""
    return max(FEWEST_RUNS, 2 * repeat)


def doubt(first: CommitResult, parents: Sequence[CommitResult], cures: bool) -> str:
    """Why the commit can't be named; "" if it is decisive.

    All these results have been built from nothing, with their programs' digests.
    """
    if not parents:
        return "it has no parent to compare it with"
    for parent in parents:
        bad, good = (parent, first) if cures else (first, parent)
        if reason := _doubt(bad, good, parent):
            return reason
    return ""


def _doubt(bad: CommitResult, good: CommitResult, parent: CommitResult) -> str:
    for result in (bad, good):
        if result.verdict == SKIP:
            return f"{_name(result, parent)} can't be judged: {result.why}"
    if bad.digest == good.digest:
        return "its programs are the same as its parent's: it is a race"
    if good.rate():
        return f"{_name(good, parent)} is bad, too ({good.counted()})"
    if not bad.rate():
        return f"{_name(bad, parent)} is not bad any more ({bad.counted()})"
    luck = (1 - bad.rate()) ** len(good.outcomes)
    if luck > LUCK:
        return (
            f"{bad.counted()}, so the other one may be good by luck "
            f"(in {100 * luck:.0f} of 100 cases); try a higher --repeat"
        )
    return ""


def _name(result: CommitResult, parent: CommitResult) -> str:
    return "its parent" if result is parent else "it"
