# SPDX-License-Identifier: GPL-2.0-or-later
"""Is the series fit to be sent? Each patch by itself, in its order."""

from __future__ import annotations

import json
import sys

from ..core.lock import exclusive
from ..core.progress import Progress
from ..qemu import tree
from . import checkpatch, commits, coverletter, export, patch_by_patch, rebase
from .commits import Series
from .finding import Finding

LOCAL_WORK = (
    "patched tree has local work; checking patches/, not that "
    "(scripts/series export writes it there)"
)


def main(fast: bool, rebased: bool, as_data: bool) -> int:
    """scripts/series check: 0 if nothing is wrong, else 1."""
    progress = Progress()
    with exclusive("series-check", "checking the series"):
        if not rebased and tree.has_local_work():
            print(LOCAL_WORK, file=sys.stderr)
        made = rebase.refreshed if rebased else commits.applied
        series = made(progress)
        findings = quick(series, rebase.NAME if rebased else tree.BASE, progress)
        if not fast:
            findings += patch_by_patch.findings(series, progress)
    if as_data:
        print(json.dumps([one.as_data() for one in findings], indent=1))
    wrong = [one for one in findings if not one.passed]
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    if not as_data:
        print(f"{len(findings) - len(wrong)} passed, {len(wrong)} failed")
    return int(bool(wrong))


def fast(progress: Progress) -> list[Finding]:
    """The same of what patches/ make of the base; raises PatchFailed."""
    return quick(commits.applied(progress), tree.BASE, progress)


def quick(series: Series, name: str, progress: Progress) -> list[Finding]:
    """What takes seconds: all but building and testing.

    The tree `name` has the checkpatch that is asked. That the patches apply is known
    from their being commits.
    """
    subjects = [commit.subject for commit in series.commits]
    return [
        *(export.differences(series) if name == tree.BASE else ()),
        Finding("cover letter", coverletter.wrong_markers(subjects)),
        *checkpatch.findings(series, name, progress),
    ]
