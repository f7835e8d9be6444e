# SPDX-License-Identifier: GPL-2.0-or-later
"""Test all of it: harness, scenarios on both builds, the series and its iotests."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from . import accel, build, guest, iotests, paths, seriescheck
from .build import Build
from .lock import exclusive
from .progress import Progress
from .runner import PARALLEL

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
    parser = argparse.ArgumentParser(prog="scripts/test", description=__doc__)
    parser.add_argument(
        "--unit", action="store_true", help="only the unit tests; they need no QEMU"
    )
    options = parser.parse_args(arguments)
    with exclusive("run", "running scenarios"):
        count = run_unit_tests()
        if not options.unit:
            progress = Progress()
            patched = _prepare(progress)
            count += check_series(progress)
            count += run_scenarios()
            count += run_iotests(patched, progress)
    print(count)
    return int(count.failed > 0 or count.passed == 0)


def run_unit_tests() -> Count:
    """Run pytest on the harness, its output as it comes."""
    report = _fresh(paths.LOGS / "unit.xml")
    command = ["-m", "pytest", "-c", "pyproject.toml", f"--junitxml={report}"]
    _run(*command, cwd=HARNESS, seconds=UNIT_SECONDS)
    return unit_count(report)


def check_series(progress: Progress) -> Count:
    """The fast part of scripts/series check; what is wrong is shown."""
    findings = seriescheck.fast(progress)
    wrong = [one for one in findings if not one.passed]
    for one in wrong:
        print(one)
    return Count(len(findings) - len(wrong), len(wrong))


def run_scenarios() -> Count:
    """Run the scenarios with avocado; each keeps its logs as always, too."""
    report = _fresh(paths.LOGS / "scenarios.json")
    _run(
        *("-m", "avocado", "run", str(HARNESS / "tests" / "scenarios")),
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
        results = iotests.run_own(patched, progress)
    different = [result for result in results if not result.as_declared]
    for result in different:
        print(result)
    return Count(len(results) - len(different), len(different))


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


def _prepare(progress: Progress) -> Build:
    """Make all that the avocado tests find ready; the patched build."""
    base, patched = [build.ensure(name, progress) for name in build.NAMES]
    asyncio.run(accel.choose(base, guest.ensure(progress)))
    return patched


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
