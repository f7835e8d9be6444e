# SPDX-License-Identifier: GPL-2.0-or-later
"""The scenarios and QEMU's migration-test on any one build of the patched source.

What goes wrong is printed; how many passed and failed is returned.
"""

from __future__ import annotations

import asyncio

from ..core import paths
from ..core.progress import Progress
from ..guest import kernel
from ..qemu.build import Build
from ..scenarios import ALL
from ..series import commits, patchtests
from ..stories import results_table
from ..stories.runner import Result, Runner
from ..suites import qtests
from ..vm import accel


def scenarios(made: Build, progress: Progress) -> tuple[int, int]:
    """Run all scenarios; one has passed if it went as declared."""
    return asyncio.run(_scenarios(made, progress))


async def _scenarios(made: Build, progress: Progress) -> tuple[int, int]:
    image = kernel.ensure(progress)
    runner = Runner(image, await accel.choose(made, image))
    ended: list[bool] = []
    with progress.step(f"scenarios on {made.name}", len(ALL)) as task:

        def done(result: Result) -> None:
            if result.differences:
                print(results_table.line(result))
            ended.append(not result.differences)
            task.update(len(ended))

        await runner.run_all(ALL, [made], done)
    return sum(ended), len(ended) - sum(ended)


def migration_test(made: Build, progress: Progress) -> tuple[int, int]:
    """Run the cases that the series adds to it."""
    source = paths.tree_dir(made.source)
    changed = patchtests.of(commits.applied(progress).whole, source).qtests
    own = changed.get(qtests.MIGRATION, ())
    qtests.compile_test(made, qtests.MIGRATION, progress)
    cases = [
        case for case in qtests.cases(made, qtests.MIGRATION) if case.startswith(own)
    ]
    title = f"migration-test on {made.name}"
    return asyncio.run(qtests.run_cases(made, cases, title, progress))
