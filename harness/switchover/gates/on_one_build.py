# SPDX-License-Identifier: GPL-2.0-or-later
"""The tests that a build of the patched source has to pass, on any one of them.

What goes wrong is printed; a sanitizer's report is a failure.
"""

from __future__ import annotations

import asyncio

from ..core import paths
from ..core.progress import Progress
from ..fuzz import kept
from ..guest import kernel
from ..qemu.build import Build
from ..scenarios import ALL
from ..series import commits, patchtests
from ..stories.runner import Result, Runner
from ..suites import own_iotests, qtests, upstream
from ..vm import accel
from . import sanitizer_reports


def run(made: Build, progress: Progress) -> tuple[int, int]:
    """Run scenarios, the series' own tests and sequences: passed and failed."""
    parts = [asyncio.run(_scenarios(made, progress)), kept.run([made], progress)]
    quiet = sanitizer_reports.kept(made)
    parts += [
        own_iotests.check_own(quiet, progress),
        asyncio.run(_qtests(quiet, progress)),
    ]
    return _sum(parts + _reported())


def run_upstream(made: Build, progress: Progress) -> tuple[int, int]:
    """Run QEMU's own tests: passed and failed."""
    part = upstream.on_one(sanitizer_reports.kept(made), progress)
    return _sum([part, *_reported()])


def _reported() -> list[tuple[int, int]]:
    """Print what was kept: each report is a failure."""
    found = sanitizer_reports.found()
    for report in found:
        print(report)
    return [(0, len(found))]


def _sum(parts: list[tuple[int, int]]) -> tuple[int, int]:
    return sum(passed for passed, _ in parts), sum(failed for _, failed in parts)


async def _scenarios(made: Build, progress: Progress) -> tuple[int, int]:
    image = kernel.ensure(progress)
    runner = Runner(image, await accel.choose(made, image))
    with progress.step(f"scenarios on {made.name}", len(ALL)) as step:
        finished: list[Result] = []

        def done(result: Result) -> None:
            finished.append(result)
            step.update(len(finished))

        await runner.run_all(ALL, [made], done)
    different = [result for result in finished if result.differences]
    for result in different:
        reasons = "; ".join(result.differences)
        print(f"{result.scenario.name} on {made.name}: {reasons}; see {result.folder}")
    return len(finished) - len(different), len(different)


async def _qtests(made: Build, progress: Progress) -> tuple[int, int]:
    source = paths.tree_dir(made.source)
    changed = patchtests.of(commits.applied(progress).whole, source).qtests
    own = changed.get(qtests.MIGRATION, ())
    qtests.compile_test(made, qtests.MIGRATION, progress)
    cases = [
        case for case in qtests.cases(made, qtests.MIGRATION) if case.startswith(own)
    ]
    title = f"migration-test on {made.name}"
    failed = await qtests.run_cases(made, cases, title, progress)
    return len(cases) - failed, failed
