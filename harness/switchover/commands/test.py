# SPDX-License-Identifier: GPL-2.0-or-later
"""Test all of it: the harness, every scenario on both builds, the series' own tests."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from ..core import paths
from ..core.lock import exclusive
from ..core.progress import Progress
from ..fuzz.kept import run as run_sequences
from ..gates import coverage, on_one_build, races
from ..guest import kernel
from ..qemu import build
from ..qemu.build import Build
from ..series import check
from ..stories.runner import PARALLEL
from ..suites import own_iotests, upstream
from ..vm import accel

HARNESS = paths.ROOT / "harness"
UNIT_SECONDS = 600
SCENARIOS_SECONDS = 1800


@dataclass(frozen=True)
class Count:
    """How many tests passed and failed; what did not run has failed."""

    passed: int = 0
    failed: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.passed + other.passed, self.failed + other.failed)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if every test passed, else 1; the last line on stdout is the count."""
    options = _parser().parse_args(arguments)
    progress = Progress()
    with exclusive("run", "running scenarios"):
        if options.unit:
            count = run_unit_tests()
        elif options.sanitized:
            count = run_more_on(build.ensure("sanitized", progress), progress)
        elif options.races:
            count = run_races(progress)
        elif options.coverage:
            count = run_coverage(progress)
        elif options.upstream:
            count = run_upstream(progress, upstream.everything)
        else:
            count = run_all(progress)
    print(count)
    return int(count.failed > 0 or count.passed == 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/test", description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--unit", action="store_true", help="only the unit tests; they need no QEMU"
    )
    what.add_argument(
        "--sanitized",
        action="store_true",
        help="only what needs the patches, and QEMU's own tests, with address and other "
        "sanitizers (about an hour)",
    )
    what.add_argument(
        "--races",
        action="store_true",
        help="what needs the patches, with ThreadSanitizer; then name the data races of "
        "the series (half an hour)",
    )
    what.add_argument(
        "--coverage",
        action="store_true",
        help="the same as with sanitizers; then name each line of the series that was "
        "not reached (about an hour)",
    )
    what.add_argument(
        "--upstream",
        action="store_true",
        help="QEMU's own tests, compared on both builds (over an hour)",
    )
    return parser


def run_all(progress: Progress) -> Count:
    """What runs without any option."""
    count = run_unit_tests()
    base, patched = _prepare(progress)
    count += check_series(progress)
    count += run_scenarios()
    count += run_iotests(patched, progress)
    count += run_upstream(progress, upstream.short)
    with exclusive("fuzz", "fuzzing"):
        return count + Count(*run_sequences([base, patched], progress))


def run_on(made: Build, progress: Progress) -> Count:
    """Run what needs the patches on another build of them."""
    with exclusive("iotests", "running iotests"), exclusive("fuzz", "fuzzing"):
        return Count(*on_one_build.run(made, progress))


def run_more_on(made: Build, progress: Progress) -> Count:
    """The same, and QEMU's own tests."""
    count = run_on(made, progress)
    with exclusive("iotests", "running iotests"):
        return count + Count(*on_one_build.run_upstream(made, progress))


def run_races(progress: Progress) -> Count:
    """What needs the patches, with ThreadSanitizer; races of the series have failed."""
    made = build.ensure("tsan", progress)
    races.clear()
    count = run_on(made, progress)
    own, kinds = races.measure(made)
    print(*own, sep="\n")
    print(f"{len(own)} data races of the series, among {kinds} reported in all")
    # It has much to report even of unpatched QEMU: if there is nothing, nobody looked.
    return count + Count(failed=len(own) + (kinds == 0))


def run_coverage(progress: Progress) -> Count:
    """Print which lines of the series no test has reached, QEMU's own included."""
    made = build.ensure("coverage", progress)
    coverage.clear(made)
    count = run_more_on(made, progress)
    found = coverage.measure(made)
    print(*found, coverage.total(found), sep="\n")
    return count


def run_upstream(
    progress: Progress, part: Callable[[Progress], tuple[int, int]]
) -> Count:
    """QEMU's own tests; those that differ between the builds have failed."""
    with exclusive("iotests", "running iotests"):
        return Count(*part(progress))


def run_unit_tests() -> Count:
    """Run pytest on the harness, its output as it comes."""
    report = _fresh(paths.LOGS / "unit.xml")
    command = ["-m", "pytest", "-c", "pyproject.toml", f"--junitxml={report}"]
    _run(*command, cwd=HARNESS, seconds=UNIT_SECONDS)
    return unit_count(report)


def check_series(progress: Progress) -> Count:
    """The fast part of scripts/series check; what is wrong is shown."""
    findings = check.fast(progress)
    wrong = [one for one in findings if not one.passed]
    for one in wrong:
        print(one)
    return Count(len(findings) - len(wrong), len(wrong))


def run_scenarios() -> Count:
    """Run the scenarios with avocado; each keeps its logs as always, too."""
    report = _fresh(paths.LOGS / "scenarios.json")
    _run(
        *("-m", "avocado", "run", "--resolver-run-executables"),
        str(HARNESS / "tests" / "scenarios"),
        f"--max-parallel-tasks={PARALLEL}",
        f"--job-results-dir={paths.LOGS / 'avocado'}",
        f"--json={report}",
        cwd=paths.ROOT,
        seconds=SCENARIOS_SECONDS,
    )
    return scenario_count(report)


def run_iotests(patched: Build, progress: Progress) -> Count:
    """Run the series' own iotests, which have to pass; those that don't are shown.

    How they fail on base is for scripts/iotests base: crashes take their time.
    """
    with exclusive("iotests", "running iotests"):
        return Count(*own_iotests.check_own(patched, progress))


def unit_count(report: Path) -> Count:
    """Count what is in pytest's report; none at all is a failure."""
    if not report.exists():
        return Count(failed=1)
    suites = ElementTree.parse(report).getroot().iter("testsuite")
    count = Count()
    for suite in suites:
        failed = sum(int(suite.get(k, 0)) for k in ("failures", "errors", "skipped"))
        count += Count(int(suite.get("tests", 0)) - failed, failed)
    return count


def scenario_count(report: Path) -> Count:
    """Count what is in avocado's report; none at all is a failure."""
    if not report.exists():
        return Count(failed=1)
    results = json.loads(report.read_text())
    return Count(results["pass"], results["total"] - results["pass"])


def _prepare(progress: Progress) -> list[Build]:
    """Make all that the avocado tests find ready; base and patched."""
    builds = [build.ensure(name, progress) for name in build.NAMES]
    asyncio.run(accel.choose(builds[0], kernel.ensure(progress)))
    return builds


def _fresh(report: Path) -> Path:
    """A report of an earlier run must not be taken for one of this run."""
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    return report


def _run(*arguments: str, cwd: Path, seconds: int) -> None:
    """Run a module to its end; one that takes too long has left no report."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        command = [sys.executable, *arguments]
        subprocess.run(command, cwd=cwd, check=False, timeout=seconds)
