# SPDX-License-Identifier: GPL-2.0-or-later
"""Show what unpatched and patched QEMU do: build, boot, mirror, migrate, judge."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import suppress

from ..core.lock import exclusive
from ..core.progress import Progress
from ..guest import kernel
from ..qemu import build
from ..qemu.build import Build
from ..scenarios import BY_NAME
from ..stories import results_table
from ..stories.rig import Scenario
from ..stories.runner import Result, Runner
from ..timeline import draw_run, timeline
from ..vm import accel
from . import options


class Enough(Exception):
    """A repeated run was different: its logs are not to be overwritten."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if each build did in each scenario what is declared, else 1."""
    given = _parser().parse_args(arguments)
    scenarios = options.chosen(BY_NAME, given.scenario)
    if given.list:
        return _list(scenarios, given.json)
    progress = Progress()
    finished: list[Result] = []
    with exclusive("run", "running scenarios"):
        builds = [build.ensure(name, progress) for name in dict.fromkeys(given.build)]
        try:
            asyncio.run(_run(scenarios, builds, progress, given, finished))
        finally:
            # Half an hour of runs is worth something however it has ended.
            if finished:
                _show(finished, given)
    return int(any(result.differences for result in finished))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/reproduce", description=__doc__)
    parser.add_argument(
        "--list", action="store_true", help="name the scenarios, and run nothing"
    )
    options.add_names(parser, "scenario", BY_NAME, "see --list")
    parser.add_argument(
        "--build",
        nargs="+",
        default=build.NAMES,
        type=options.build_name(),
        metavar="NAME",
        help=f"any of {', '.join(build.ALL)} (default: base and patched)",
    )
    options.add_count(
        parser, "repeat", 1, "run each so many times, until one is not as declared"
    )
    parser.add_argument(
        "--timeline",
        action="store_true",
        help="trace each run and draw it: timeline.png, .svg and .txt beside its logs",
    )
    options.add_json(parser)
    return parser


def _list(scenarios: list[Scenario], as_data: bool) -> int:
    if as_data:
        known = [{"scenario": one.name, "title": one.title} for one in scenarios]
        print(json.dumps(known, indent=1))
    else:
        width = max(len(one.name) for one in scenarios)
        print(*(f"{one.name:{width}}  {one.title}" for one in scenarios), sep="\n")
    return 0


async def _run(
    scenarios: list[Scenario],
    builds: list[Build],
    progress: Progress,
    given: argparse.Namespace,
    finished: list[Result],
) -> None:
    """Run them, and say and append what each came to as soon as it has ended."""
    image = kernel.ensure(progress)
    chosen = await accel.choose(builds[0], image)
    print(f"accelerator: {chosen.name} ({chosen.why})", file=sys.stderr)
    witness = (draw_run.write, timeline.EVENTS) if given.timeline else ()
    runner = Runner(image, chosen, *witness)
    total = len(scenarios) * len(builds) * given.repeat
    with progress.step("running scenarios", total) as step, suppress(Enough):

        def done(result: Result) -> None:
            finished.append(result)
            took = f"({result.seconds:.1f} s)"
            print(results_table.line(result), took, file=sys.stderr)
            step.update(len(finished))
            if result.differences and given.repeat > 1:
                raise Enough

        for _ in range(given.repeat):
            await runner.run_all(scenarios, builds, done)


def _show(finished: list[Result], given: argparse.Namespace) -> None:
    if given.json:
        print(json.dumps(results_table.data(finished), indent=1))
    else:
        options.screen().print(results_table.table(finished))
    if given.timeline:
        for folder in dict.fromkeys(result.folder for result in finished):
            print(f"timeline: {folder / draw_run.NAME}.svg", file=sys.stderr)
    if given.repeat > 1:
        said = results_table.repeated(finished, given.repeat)
    else:
        said = results_table.failures(finished)
    for line in said:
        print(line, file=sys.stderr)
