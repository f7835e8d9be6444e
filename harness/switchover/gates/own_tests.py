# SPDX-License-Identifier: GPL-2.0-or-later
"""What pytest and avocado run: how many passed and failed, by the reports they write.

What has left no report has failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from ..core import paths
from ..core.progress import Progress
from ..guest import kernel
from ..qemu.build import Build
from ..stories.runner import PARALLEL
from ..vm import accel

HARNESS = paths.ROOT / "harness"
UNIT_SECONDS = 600
SCENARIOS_SECONDS = 1800


def unit_tests() -> tuple[int, int]:
    """Run pytest on the harness, its output as it comes."""
    report = _fresh("unit.xml")
    command = ["-m", "pytest", "-c", "pyproject.toml", f"--junitxml={report}"]
    _run(*command, cwd=HARNESS, seconds=UNIT_SECONDS)
    return unit_count(report)


def scenarios(build: Build, progress: Progress) -> tuple[int, int]:
    """Run the scenarios with avocado; each keeps its logs as always, too.

    What they all need is made here, once, with this build.
    """
    asyncio.run(accel.choose(build, kernel.ensure(progress)))
    report = _fresh("scenarios.json")
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


def unit_count(report: Path) -> tuple[int, int]:
    """Count what is in pytest's report; what was skipped has failed."""
    if not report.exists():
        return 0, 1
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    bad = ("failures", "errors", "skipped")
    failed = sum(int(suite.get(kind, 0)) for suite in suites for kind in bad)
    return sum(int(suite.get("tests", 0)) for suite in suites) - failed, failed


def scenario_count(report: Path) -> tuple[int, int]:
    """Count what is in avocado's report; what did not pass has failed."""
    if not report.exists():
        return 0, 1
    results = json.loads(report.read_text())
    return results["pass"], results["total"] - results["pass"]


def _fresh(name: str) -> Path:
    """A report of an earlier run must not be taken for one of this run."""
    report = paths.LOGS / name
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    return report


def _run(*arguments: str, cwd: Path, seconds: float) -> None:
    """Run a module to its end; one that takes too long has left no report."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        command = [sys.executable, *arguments]
        subprocess.run(command, cwd=cwd, check=False, timeout=seconds)
