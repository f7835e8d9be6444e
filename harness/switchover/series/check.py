# SPDX-License-Identifier: GPL-2.0-or-later
"""Is the series fit to be sent? Each patch by itself, in its order."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from ..core import paths
from ..core.errors import BuildFailed
from ..core.git import git
from ..core.lock import exclusive
from ..core.progress import Progress
from ..qemu import configure, patches, tree
from ..qemu.build import Build
from ..suites import base_failures, iotests_folder, own_iotests, qtests, unittests
from ..suites.base_failures import Declaration
from ..suites.iotest_check import FORMATS, Check, QemuTestRun
from . import checkpatch, checktree, commits, coverletter, manual, patchtests, rebase
from .commits import Commit, Series
from .finding import Finding, Memory

LOCAL_WORK = (
    "patched tree has local work; checking patches/, not that "
    "(scripts/series export writes it there)"
)
TESTS = str(iotests_folder.IN_TREE / "tests")


def main(fast: bool, rebased: bool, as_data: bool) -> int:
    """scripts/series check: 0 if nothing is wrong, else 1."""
    progress = Progress()
    with exclusive("series-check", "checking the series"):
        if not rebased and tree.has_local_work():
            print(LOCAL_WORK, file=sys.stderr)
        made = rebase.refreshed if rebased else commits.applied
        series = made(progress)
        findings = list(about_series(series, rebased))
        findings += messages(series, rebase.NAME if rebased else "base", progress)
        if not fast:
            findings += patch_by_patch(series, progress)
    if as_data:
        print(json.dumps([one.as_data() for one in findings], indent=1))
    wrong = [one for one in findings if not one.passed]
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    if not as_data:
        print(f"{len(findings) - len(wrong)} passed, {len(wrong)} failed")
    return int(bool(wrong))


def fast(progress: Progress) -> list[Finding]:
    """What takes seconds: all but building and testing. Raises PatchFailed."""
    series = commits.applied(progress)
    return [*about_series(series, False), *messages(series, "base", progress)]


def about_series(series: Series, rebased: bool) -> Iterator[Finding]:
    """Whether patches/, iotests/ and the cover letter fit together.

    That the patches apply is known from their being commits.
    """
    if not rebased:
        yield Finding(0, "", "export", _not_exported(series))
        yield Finding(0, "", "iotests", _different_iotests(series))
    subjects = [commit.subject for commit in series.commits]
    yield Finding(0, "", "cover letter", coverletter.wrong_markers(subjects))


def messages(series: Series, name: str, progress: Progress) -> Iterator[Finding]:
    """What checkpatch of the tree `name` says about each patch and is not justified."""
    reasons = checkpatch.justified()
    total = len(series.commits)
    with (
        progress.step("checkpatch", total) as step,
        TemporaryDirectory(dir=paths.BUILD) as temporary,
    ):
        files = series.format(Path(temporary))
        for commit, file in zip(series.commits, files, strict=True):
            step.update(commit.number - 1, total)
            found = checkpatch.run(file, paths.tree_dir(name))
            mine = reasons.pop(commit.subject, {})
            wrong = [*map(str, checkpatch.unjustified(found, mine))]
            wrong += [
                f"{checkpatch.FILE} justifies {words!r}, which is not said"
                for words in checkpatch.unused(found, mine)
            ]
            yield Finding(commit.number, commit.subject, "checkpatch", "; ".join(wrong))
    for subject in reasons:
        wrong = f"{checkpatch.FILE} has a patch that is not in the series: {subject}"
        yield Finding(0, "", "checkpatch", wrong)


def patch_by_patch(series: Series, progress: Progress) -> Iterator[Finding]:
    """Build and test each patch; what was found for the same content is remembered.

    Only if all was well, that is: what failed is tried again.
    """
    memory = Memory()
    total = len(series.commits)
    for commit in series.commits:
        key = _key(commit)
        found = memory.recall(key)
        if found is None or not all(one.passed for one in found):
            with progress.step(f"patch {commit.number}/{total}: {commit.subject}"):
                found = list(_slow(commit, series.base, progress))
            memory.store(key, found)
        # A patch may have got another number or subject since.
        for one in found:
            yield Finding(
                **{
                    **vars(one),
                    "patch": commit.number,
                    "subject": commit.subject,
                }
            )


def remembered(series: Series) -> Iterator[Finding]:
    """What patch_by_patch() has found, and what it has not looked at since."""
    memory = Memory()
    for commit in series.commits:
        found = memory.recall(_key(commit))
        if found is None:
            wrong = "not checked as it is now"
            yield Finding(commit.number, commit.subject, "build and tests", wrong)
        else:
            yield from found


def _key(commit: Commit) -> str:
    decisive = [commit.before, commit.after, configure.decisive()]
    return hashlib.sha256("\n".join(decisive).encode()).hexdigest()


def _not_exported(series: Series) -> str:
    """Which files of patches/ an export would change."""
    with TemporaryDirectory(dir=paths.BUILD) as temporary:
        made = {path.name: path.read_bytes() for path in series.format(Path(temporary))}
    present = {path.name: path.read_bytes() for path in patches.ordered()}
    different = [n for n in present | made if present.get(n) != made.get(n)]
    if not different:
        return ""
    return f"scripts/series export would change {', '.join(sorted(different))}"


def _different_iotests(series: Series) -> str:
    """Which files of iotests/ are not the same as in the series."""
    wanted = {Path(k).name: v for k, v in series.added(TESTS).items()}
    folder = paths.IOTESTS
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    present = {path.name: _blob(path) for path in files if path.is_file()}
    present.pop(base_failures.FILE, None)
    different = [n for n in wanted | present if wanted.get(n) != present.get(n)]
    if not different:
        return ""
    return f"iotests/ is not as in patches/: {', '.join(sorted(different))}"


def _blob(path: Path) -> str:
    mode = "100755" if path.stat().st_mode & 0o100 else "100644"
    return f"{mode} {git(paths.tree_dir('base'), 'hash-object', path)}"


def _slow(commit: Commit, base: str, progress: Progress) -> Iterator[Finding]:
    def finding(check: str, wrong: str, seconds: float, log: Path) -> Finding:
        shown = str(log) if wrong else ""
        name = commit.number, commit.subject
        return Finding(*name, check, wrong, round(seconds, 1), shown)

    start = time.monotonic()
    log = paths.LOGS / f"compile-{checktree.NAME}.log"
    try:
        build = checktree.compile_at(commit.id, base, progress)
    except BuildFailed as error:
        yield finding("build", str(error), time.monotonic() - start, log)
        return
    yield finding("build", "", time.monotonic() - start, log)
    source = paths.tree_dir(checktree.NAME)
    if any(map(manual.is_about, commit.files())):
        start = time.monotonic()
        log = paths.LOGS / "manual.log"
        with progress.step("make the manual"):
            wrong = manual.make(source, log)
        yield finding("manual", wrong, time.monotonic() - start, log)
    for check, outcome in _tests(patchtests.of(commit, source), build, progress):
        wrong = "" if outcome.status == "pass" else str(outcome)
        yield finding(check, wrong, outcome.seconds, outcome.log)


def _tests(
    tests: patchtests.PatchTests, build: Build, progress: Progress
) -> Iterator[tuple[str, QemuTestRun]]:
    """Run them, and say what became of each."""
    for name in unittests.compile_tests(build, list(tests.unit), progress):
        with progress.step(f"{name} on {build.name}"):
            yield f"unit test {name}", asyncio.run(unittests.run(build, name))
    source = paths.tree_dir(build.source) / iotests_folder.IN_TREE
    checks = [Check(build, source, format) for format in FORMATS]
    for name in tests.iotests:
        run = own_iotests.run(checks, name, Declaration(), progress)
        for result in asyncio.run(run):
            yield f"iotest {name} ({result.format})", result.outcome
    for name, wanted in tests.qtests.items():
        qtests.compile_test(build, name, progress)
        with progress.step(f"{name} on {build.name}"):
            yield f"qtest {name}", asyncio.run(qtests.run(build, name, wanted))
