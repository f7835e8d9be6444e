# SPDX-License-Identifier: GPL-2.0-or-later
"""The tests that a build of the patched source has to pass, on any one of them."""

from __future__ import annotations

import asyncio
import re

from . import accel, guest, iotests, qtests, reports
from .build import Build
from .progress import Progress
from .runner import Result, Runner
from .scenarios import ALL
from .sequences import suite

# What the series adds to migration-test.
OWN_CASES = re.compile(r"pause-at-complete|release|ready")


def run(made: Build, progress: Progress) -> tuple[int, int]:
    """Run scenarios, the series' own tests and sequences: passed and failed.

    What did not go as declared is printed.
    """
    parts = [asyncio.run(_scenarios(made, progress)), suite.run([made], progress)]
    with reports.kept():
        parts += [
            iotests.check_own(made, progress),
            asyncio.run(_qtests(made, progress)),
        ]
    for report in reports.found():
        print(report)
        parts.append((0, 1))
    return sum(passed for passed, _ in parts), sum(failed for _, failed in parts)


async def _scenarios(made: Build, progress: Progress) -> tuple[int, int]:
    image = guest.ensure(progress)
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
    qtests.compile_test(made, qtests.MIGRATION, progress)
    cases = [
        case for case in qtests.cases(made, qtests.MIGRATION) if OWN_CASES.search(case)
    ]
    title = f"migration-test on {made.name}"
    failed = await qtests.run_cases(made, cases, title, progress)
    return len(cases) - failed, failed
