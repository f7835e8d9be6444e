# SPDX-License-Identifier: GPL-2.0-or-later
"""Show what unpatched and patched QEMU do: build, boot, mirror, migrate, judge."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from ..core.lock import exclusive
from ..core.progress import Progress
from ..guest import kernel
from ..qemu import build
from ..qemu.build import Build
from ..scenarios import ALL, BY_NAME
from ..stories import results_table
from ..stories.runner import Result, Runner
from ..stories.scenario import Scenario
from ..timeline import draw_run, timeline
from ..vm import accel

WIDTH_WITHOUT_TERMINAL = 140


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if each build did in each scenario what is declared, else 1."""
    options = _parser().parse_args(arguments)
    chosen = [BY_NAME[name] for name in options.scenario] or list(ALL)
    progress = Progress()
    with exclusive("run", "running scenarios"):
        builds = [
            build.ensure(name, progress, options.source_cache) for name in build.NAMES
        ]
        results = asyncio.run(_run(chosen, builds, progress, options.timeline))
    if options.json:
        print(json.dumps(results_table.data(results), indent=1))
    else:
        _screen().print(results_table.table(results))
    if options.timeline:
        for result in results:
            print(f"timeline: {result.folder / draw_run.NAME}.svg", file=sys.stderr)
    for failure in results_table.failures(results):
        print(failure, file=sys.stderr)
    return int(any(result.differences for result in results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/reproduce", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print data, not a table")
    parser.add_argument(
        "--scenario",
        nargs="+",
        default=[],
        choices=list(BY_NAME),
        metavar="NAME",
        help="run only these: " + ", ".join(BY_NAME),
    )
    parser.add_argument(
        "--timeline",
        action="store_true",
        help="trace each run and draw it: timeline.png, .svg and .txt beside its logs",
    )
    parser.add_argument(
        "--source-cache",
        type=Path,
        metavar="DIR",
        help="where QEMU's source may be found without a network",
    )
    return parser


async def _run(
    scenarios: list[Scenario], builds: list[Build], progress: Progress, traced: bool
) -> list[Result]:
    image = kernel.ensure(progress)
    chosen = await accel.choose(builds[0], image)
    print(f"accelerator: {chosen.name} ({chosen.why})", file=sys.stderr)
    witness = (draw_run.write, timeline.EVENTS) if traced else ()
    runner = Runner(image, chosen, *witness)
    with progress.step("running scenarios", len(scenarios) * len(builds)) as step:
        finished: list[Result] = []

        def done(result: Result) -> None:
            finished.append(result)
            step.update(len(finished))

        return await runner.run_all(scenarios, builds, done)


def _screen() -> Console:
    """The terminal, or a fixed width where there is none."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)
