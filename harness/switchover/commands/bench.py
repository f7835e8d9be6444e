# SPDX-License-Identifier: GPL-2.0-or-later
"""Measure downtime, throughput and latency, base and patched in one run."""

from __future__ import annotations

import argparse
import asyncio
import fnmatch
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from ..bench import ALL, BY_NAME, host
from ..bench.case import Case
from ..bench.measurement import Measurement
from ..bench.table import table
from ..core.lock import exclusive
from ..core.progress import Progress
from ..qemu import build
from .reproduce import WIDTH_WITHOUT_TERMINAL

REPETITIONS = 15
# Its files are in memory: a disk's own speed is not what is measured.
MEMORY = Path("/dev/shm")


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if every run gave its figures, else 1."""
    options = _parser().parse_args(arguments)
    cases = [case for case in ALL if _is_chosen(case, options.case)]
    progress = Progress()
    with exclusive("run", "measuring"):
        builds = {
            name: build.ensure(name, progress, options.source_cache)
            for name in build.NAMES
        }
        where = MEMORY if MEMORY.is_dir() else None
        with TemporaryDirectory(prefix="switchover-bench-", dir=where) as folder:
            measured = Measurement(builds, Path(folder), progress)
            try:
                asyncio.run(measured.run(cases, options.repetitions))
            finally:
                # An hour of runs is worth something however it has ended.
                if any(sample.runs or sample.errors for sample in measured.samples):
                    _show(measured, options.json)
    return int(any(sample.errors for sample in measured.samples))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print data, not a table")
    parser.add_argument(
        "--case",
        nargs="+",
        default=["*"],
        type=_pattern,
        metavar="NAME",
        help="measure only these ('*' stands for anything): " + ", ".join(BY_NAME),
    )
    parser.add_argument(
        "--repetitions",
        type=_count,
        default=REPETITIONS,
        metavar="N",
        help=f"how often each variant is run ({REPETITIONS} if not given)",
    )
    parser.add_argument(
        "--source-cache",
        type=Path,
        metavar="DIR",
        help="where QEMU's source may be found without a network",
    )
    return parser


def _pattern(text: str) -> str:
    if not fnmatch.filter(BY_NAME, text):
        raise argparse.ArgumentTypeError(f"there is no case {text!r}")
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of repetitions")
    return int(text)


def _is_chosen(case: Case, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatch(case.name, pattern) for pattern in patterns)


def _show(measured: Measurement, as_data: bool) -> None:
    """Print it, and then keep it: on a full disk it can only be printed."""
    measured.machine["load_after"] = host.load()
    if as_data:
        print(json.dumps(measured.as_data(), indent=1))
    else:
        screen = Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)
        screen.print(table(measured.samples))
        print(host.sentence(measured.machine))
    written = measured.keep()
    print(*(f"written: {path}" for path in written), sep="\n", file=sys.stderr)
