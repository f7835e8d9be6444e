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
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from ..core import paths
from ..core.progress import Progress
from ..guest import kernel
from ..qemu.build import Build
from ..stories.runner import PARALLEL
from ..vm import accel

HARNESS = paths.ROOT / "harness"
# A few minutes, or several when others are at work on the machine.
UNIT_SECONDS = 1800
SCENARIOS_SECONDS = 1800


def unit_tests() -> tuple[int, int]:
    """Run pytest on the harness, its output as it comes."""
    report = paths.LOGS / "unit.xml"
    command = ["pytest", "-c", "pyproject.toml", f"--junitxml={report}"]
    return _counted(command, HARNESS, UNIT_SECONDS, report, unit_count)


def scenarios(build: Build, progress: Progress) -> tuple[int, int]:
    """Run the scenarios with avocado; each keeps its logs as always, too.

    What they all need is made here, once, with this build.
    """
    asyncio.run(accel.choose(build, kernel.ensure(progress)))
    report = paths.LOGS / "scenarios.json"
    command = [
        *("avocado", "run", "--resolver-run-executables"),
        str(HARNESS / "tests" / "scenarios"),
        f"--max-parallel-tasks={PARALLEL}",
        f"--job-results-dir={paths.LOGS / 'avocado'}",
        f"--json={report}",
    ]
    return _counted(command, paths.ROOT, SCENARIOS_SECONDS, report, scenario_count)


def _counted(
    module: list[str],
    folder: Path,
    seconds: float,
    report: Path,
    count: Callable[[str], tuple[int, int]],
) -> tuple[int, int]:
    """Run a module in a folder and count what is in its report.

    One that takes too long leaves none, and one of an earlier run is not its.
    """
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    with contextlib.suppress(subprocess.TimeoutExpired):
        command = [sys.executable, "-m", *module]
        subprocess.run(command, cwd=folder, check=False, timeout=seconds)
    return count(report.read_text()) if report.exists() else (0, 1)


def unit_count(report: str) -> tuple[int, int]:
    """Count what is in pytest's report; what was skipped has failed."""
    suites = list(ElementTree.fromstring(report).iter("testsuite"))
    bad = ("failures", "errors", "skipped")
    failed = sum(int(suite.get(kind, 0)) for suite in suites for kind in bad)
    return sum(int(suite.get("tests", 0)) for suite in suites) - failed, failed


def scenario_count(report: str) -> tuple[int, int]:
    """Count what is in avocado's report; what did not pass has failed."""
    results = json.loads(report)
    return results["pass"], results["total"] - results["pass"]
