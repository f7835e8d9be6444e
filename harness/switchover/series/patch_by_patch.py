# SPDX-License-Identifier: GPL-2.0-or-later
"""Each patch is built, and the manual and the tests that it is about are made and run.

What was found is remembered by content.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..core import paths
from ..core.errors import BuildFailed
from ..core.progress import Progress
from ..qemu import configure
from . import checktree, finding, manual, patchtests
from .commits import Commit, Series
from .finding import Finding


def findings(series: Series, progress: Progress) -> Iterator[Finding]:
    """What is found now, or was for the same content if all was well then."""
    total = len(series.commits)
    for commit in series.commits:
        key = _key(commit)
        found = finding.recall(key)
        if not found or not all(one.passed for one in found):
            with progress.step(f"patch {commit.number}/{total}: {commit.subject}"):
                found = list(_look_at(commit, series.base, progress))
            finding.store(key, found)
        yield from _of(commit, found)


def remembered(series: Series) -> Iterator[Finding]:
    """What findings() has found, and what it has not looked at since."""
    unknown = [Finding("build and tests", "not checked as it is now")]
    for commit in series.commits:
        yield from _of(commit, finding.recall(_key(commit)) or unknown)


def _of(commit: Commit, found: Iterable[Finding]) -> Iterator[Finding]:
    """Those with the number and subject that the patch has now."""
    for one in found:
        yield replace(one, patch=commit.number, subject=commit.subject)


def _key(commit: Commit) -> str:
    decisive = [commit.before, commit.after, configure.decisive()]
    return hashlib.sha256("\n".join(decisive).encode()).hexdigest()


def _look_at(commit: Commit, base: str, progress: Progress) -> Iterator[Finding]:
    log = paths.LOGS / f"compile-{checktree.NAME}.log"
    compile = partial(checktree.compile_at, commit.id, base, progress)
    built = _timed("build", log, compile)
    yield built
    if not built.passed:
        return
    source = paths.tree_dir(checktree.NAME)
    if any(map(manual.is_about, commit.files())):
        log = paths.LOGS / "manual.log"
        with progress.step("make the manual"):
            yield _timed("manual", log, partial(manual.make, source, log))
    tests = patchtests.of(commit, source)
    for name, ended in patchtests.run(tests, checktree.made(), progress):
        wrong = "" if ended.status == "pass" else str(ended)
        yield _finding(name, wrong, ended.seconds, ended.log)


def _timed(check: str, log: Path, make: Callable[[], None]) -> Finding:
    start = time.monotonic()
    wrong = ""
    try:
        make()
    except BuildFailed as error:
        wrong = str(error)
    return _finding(check, wrong, time.monotonic() - start, log)


def _finding(check: str, wrong: str, seconds: float, log: Path) -> Finding:
    shown = str(log) if wrong else ""
    return Finding(check, wrong, seconds=round(seconds, 1), log=shown)
