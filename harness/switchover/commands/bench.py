# SPDX-License-Identifier: GPL-2.0-or-later
"""Measure downtime, throughput and latency, base and patched in one run."""

from __future__ import annotations

import argparse
import asyncio
import fnmatch
import json
import random
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from ..bench import ALL, BY_NAME, host, plot
from ..bench.case import Case, NotOffered
from ..bench.sample import Sample
from ..bench.table import table
from ..core import paths
from ..core.command import CommandFailed
from ..core.lock import exclusive
from ..core.progress import Progress
from ..guest import kernel
from ..guest.kernel import Guest
from ..qemu import build
from ..qemu.build import Build
from ..stories.rig import Lab
from ..vm import accel
from ..vm.accel import Accel
from ..vm.vm import Died, Hang, Refused
from .reproduce import WIDTH_WITHOUT_TERMINAL

REPETITIONS = 15
# Its files are in memory: a disk's own speed is not what is measured.
MEMORY = Path("/dev/shm")
RUN_SECONDS = 180.0


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
            bench = Bench(builds, Path(folder), progress)
            try:
                asyncio.run(bench.run(cases, options.repetitions))
            finally:
                # An hour of runs is worth something also to who has interrupted it.
                if any(sample.runs or sample.errors for sample in bench.samples):
                    _show(bench, options.json)
    return int(any(sample.errors for sample in bench.samples))


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


class Bench:
    """Runs cases one at a time, so that nothing of ours disturbs a measurement."""

    def __init__(
        self, builds: dict[str, Build], folder: Path, progress: Progress
    ) -> None:
        self.machine: dict[str, Any] = {}
        self.samples: list[Sample] = []
        self._builds = builds
        self._folder = folder
        self._progress = progress

    async def run(self, cases: list[Case], repetitions: int) -> None:
        """Each variant `repetitions` times, in turns: what drifts meets them all."""
        image = kernel.ensure(self._progress)
        chosen = await accel.choose(self._builds["base"], image)
        self.machine = host.describe(chosen, self._folder)
        samples = [Sample(case, v) for case in cases for v in case.variants]
        self.samples = samples
        with self._progress.step("measuring", repetitions * len(samples)) as step:
            for repetition in range(repetitions):
                # A run may profit from the one before it, or pay for it.
                shuffled = random.Random(repetition).sample(samples, len(samples))
                for number, sample in enumerate(shuffled):
                    await self._one(sample, image, chosen)
                    step.update(repetition * len(samples) + number + 1)

    async def _one(self, sample: Sample, image: Guest, chosen: Accel) -> None:
        if sample.not_offered:
            return
        folder = self._folder / "run"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        lab = Lab(self._builds[sample.variant.build], image, chosen, folder)
        try:
            async with asyncio.timeout(RUN_SECONDS):
                sample.runs.append(await sample.variant.measure(lab))
        except NotOffered as lack:
            sample.not_offered = str(lack)
        # This one is an OSError, too.
        except TimeoutError:
            _failed(sample, f"no end within {RUN_SECONDS:.0f} s")
        except (CommandFailed, Died, Hang, Refused, OSError) as error:
            _failed(sample, str(error))


def _failed(sample: Sample, error: str) -> None:
    sample.errors.append(error)
    name = f"{sample.case.name}, {sample.variant.name}"
    print(f"{name}: {error}", file=sys.stderr)


def _show(bench: Bench, as_data: bool) -> None:
    samples = bench.samples
    described = {**bench.machine, "load_after": host.load()}
    report = {"machine": described, "samples": [s.as_data() for s in samples]}
    written = _keep(report, samples)
    if as_data:
        print(json.dumps(report, indent=1))
    else:
        screen = Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)
        screen.print(table(samples))
        print(host.sentence(described))
    print(*(f"written: {path}" for path in written), sep="\n", file=sys.stderr)


def _keep(report: dict[str, Any], samples: list[Sample]) -> list[Path]:
    """Write bench.json, .png and .svg below build/bench/."""
    folder = paths.BUILD / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "bench.json"
    temporary = folder / "bench.new"
    temporary.write_text(json.dumps(report, indent=1) + "\n")
    temporary.replace(data)
    if not any(sample.runs for sample in samples):
        return [data]
    return [data, *plot.save(samples, folder / "bench")]
