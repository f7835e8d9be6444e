# SPDX-License-Identifier: GPL-2.0-or-later
"""Find sequences of QMP commands and faults after which something is lost.

Two QEMUs, a small guest that writes, mirrors of its disks, and whatever management
may do around switchover; what goes wrong is shrunk to a few steps and kept as a file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..core.lock import exclusive
from ..core.progress import Progress
from ..fuzz import kept, step
from ..fuzz.search import Search
from ..fuzz.step import BadSequence, Step
from ..qemu import build
from ..qemu.build import Build
from . import options

MINUTES = 10.0
LARGEST_SEED = 1 << 32
COUNTED = ("sequences", "steps", "refused", "reached", "errors")


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if nothing was found, else 1."""
    parser = _parser()
    given = parser.parse_args(arguments)
    steps = _steps(given.replay, parser) if given.replay else None
    progress = Progress()
    with exclusive("fuzz", "fuzzing"):
        made = build.ensure(given.build, progress)
        if steps is not None:
            return _replay(made, steps, given.json)
        return _search(made, given, progress)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    options.add_build(parser, build.JUDGED)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--minutes",
        type=_minutes,
        default=MINUTES,
        help=f"how long to search (default: {MINUTES:.0f})",
    )
    what.add_argument(
        "--replay", type=Path, metavar="FILE", help="play a sequence that was kept"
    )
    parser.add_argument(
        "--seed", type=int, help="begin with the sequences of an earlier search"
    )
    options.add_json(parser)
    return parser


def _minutes(text: str) -> float:
    minutes = float(text)
    if not 0 < minutes < float("inf"):
        raise argparse.ArgumentTypeError("a number of minutes is needed")
    return minutes


def _steps(path: Path, parser: argparse.ArgumentParser) -> list[Step]:
    try:
        return step.read(path)
    except BadSequence as error:
        parser.error(str(error))


def _replay(made: Build, steps: list[Step], as_data: bool) -> int:
    replayed = asyncio.run(kept.play(made, steps))
    if as_data:
        print(json.dumps(replayed.as_data(), indent=1))
    else:
        print(replayed)
    return int(bool(replayed.wrong))


def _search(made: Build, given: argparse.Namespace, progress: Progress) -> int:
    number = secrets.randbelow(LARGEST_SEED) if given.seed is None else given.seed
    seconds = given.minutes * 60
    label = f"fuzz {made.name} for {given.minutes:g} minutes, seed {number}"
    with progress.step(label) as running:
        search = Search(made, number, running.update, seconds=seconds)
        try:
            search.run()
        finally:
            # What was found is worth something also if it ends with an error.
            if given.json:
                print(json.dumps(_as_data(search), indent=1))
            else:
                _show(search)
    return int(bool(search.findings or search.errors))


def _show(search: Search) -> None:
    for one in (*search.findings.values(), *search.errors):
        print(one, file=sys.stderr)
    reached = [f"{number} {status}" for status, number in search.reached.most_common()]
    print(
        f"{search.sequences} sequences of {search.steps} steps, {search.refused} "
        f"refused; {', '.join(reached) or 'no migrations'}; "
        f"{len(search.findings)} findings"
    )


def _as_data(search: Search) -> dict[str, Any]:
    return {
        "build": search.build.name,
        "seed": search.number,
        **{name: getattr(search, name) for name in COUNTED},
        "findings": [
            {
                "wrong": finding.verdict.wrong(),
                "file": str(finding.path),
                "steps": finding.steps,
                "first_sequence": finding.sequences,
                "first_seconds": round(finding.seconds, 1),
                "by_chance": finding.by_chance,
                "seen": search.seen[finding.name],
            }
            for finding in search.findings.values()
        ],
    }
