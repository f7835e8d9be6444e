# SPDX-License-Identifier: GPL-2.0-or-later
"""Measure downtime, throughput and latency, base and patched in one run."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ..bench import BY_NAME, host
from ..bench.measurement import Measurement
from ..bench.table import table
from ..core.lock import exclusive
from ..core.progress import Progress
from ..qemu import build
from . import options

REPETITIONS = 15
# Its files are in memory: a disk's own speed is not what is measured.
MEMORY = Path("/dev/shm")


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if every run gave its figures, else 1."""
    given = _parser().parse_args(arguments)
    cases = options.chosen(BY_NAME, given.case)
    progress = Progress()
    with exclusive("run", "measuring"):
        builds = {name: build.ensure(name, progress) for name in build.NAMES}
        where = MEMORY if MEMORY.is_dir() else None
        with TemporaryDirectory(prefix="switchover-bench-", dir=where) as folder:
            measured = Measurement(builds, Path(folder), progress)
            try:
                asyncio.run(measured.run(cases, given.repetitions))
            finally:
                # An hour of runs is worth something however it has ended.
                if any(sample.runs or sample.errors for sample in measured.samples):
                    _show(measured, given.json)
    return int(any(sample.errors for sample in measured.samples))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    options.add_json(parser)
    options.add_names(parser, "case", BY_NAME, ", ".join(BY_NAME))
    options.add_count(
        parser, "repetitions", REPETITIONS, "how often each variant is run"
    )
    return parser


def _show(measured: Measurement, as_data: bool) -> None:
    """Print it, and then keep it: on a full disk it can only be printed."""
    measured.machine["load_after"] = host.load()
    if as_data:
        print(json.dumps(measured.as_data(), indent=1))
    else:
        options.screen().print(table(measured.samples))
        print(host.sentence(measured.machine))
    written = measured.keep()
    print(*(f"written: {path}" for path in written), sep="\n", file=sys.stderr)
