# SPDX-License-Identifier: GPL-2.0-or-later
"""Migrate again and again under load, and see whether anything grows or is lost.

The guest moves from one QEMU to its successor, with 16 mirrored disks on iothreads.
It writes records to half of them; the others are exported over NBD to clients that
write, too. Each time an attempt is cancelled first, the images have to be equal in the
end, and each process has to need as much memory and as many descriptors as its
predecessors.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from ..core import paths
from ..core.lock import exclusive
from ..core.progress import Progress
from ..load.repeated import RepeatedMigration, Usage
from ..qemu import build

ROUNDS = 100
# Memory is not given back to the system at once, and some of it is left to chance.
TOLERANCE = 1.1


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if nothing was lost and nothing grows, else 1."""
    parser = argparse.ArgumentParser(prog="scripts/load", description=__doc__)
    parser.add_argument(
        "--rounds",
        type=int,
        default=ROUNDS,
        help=f"how many migrations (default: {ROUNDS})",
    )
    parser.add_argument("--build", choices=build.JUDGED, default="patched")
    parser.add_argument("--json", action="store_true", help="print data")
    options = parser.parse_args(arguments)
    if options.rounds < 2:
        parser.error("one migration has nothing to be compared with")
    progress = Progress()
    with exclusive("load", "running the load test"):
        made = build.ensure(options.build, progress)
        label = f"{options.rounds} migrations on {made.name}"
        with progress.step(label, options.rounds) as step:
            wrong, repeated = run(made, options.rounds, step.update)
    for one in wrong:
        print(one, file=sys.stderr)
    if options.json:
        print(json.dumps(_as_data(wrong, repeated), indent=1))
    else:
        print(_summary("migrations", repeated.usages))
        print(_summary("attempts of the last one", repeated.attempts))
    return int(bool(wrong))


def run(
    made: build.Build, rounds: int, done: Callable[[int], None]
) -> tuple[list[str], RepeatedMigration]:
    """Migrate so many times: what is wrong, and with what each process needed."""
    folder = paths.BUILD / "load" / made.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    repeated = RepeatedMigration(made, folder)
    verdict = asyncio.run(repeated.run(rounds, done))
    wrong = verdict.wrong()
    if not wrong:
        _remove_images(folder)
    return [*wrong, *growth(repeated.usages), *growth(repeated.attempts)], repeated


def growth(usages: Sequence[Usage]) -> list[str]:
    """What the last third needs more of than the first, in words."""
    if len(usages) < 2:
        return []
    part = max(1, len(usages) // 3)
    first, last = usages[:part], usages[-part:]
    grown = []
    before, after = (median(s.descriptors for s in each) for each in (first, last))
    if after > before:
        grown.append(f"descriptors grow from {before:.0f} to {after:.0f}")
    before, after = (median(s.kib for s in each) for each in (first, last))
    if after > before * TOLERANCE:
        grown.append(f"memory grows from {before:.0f} to {after:.0f} KiB")
    return grown


def _remove_images(folder: Path) -> None:
    for image in folder.glob("*.raw"):
        image.unlink()


def _summary(what: str, usages: Sequence[Usage]) -> str:
    if not usages:
        return f"0 {what}"
    kib = [usage.kib for usage in usages]
    descriptors = [usage.descriptors for usage in usages]
    return (
        f"{len(usages)} {what}; descriptors {min(descriptors)} to "
        f"{max(descriptors)}, memory {min(kib)} to {max(kib)} KiB; "
        f"last {descriptors[-1]} and {kib[-1]}"
    )


def _as_data(wrong: list[str], repeated: RepeatedMigration) -> dict[str, Any]:
    needed = {"migrations": repeated.usages, "attempts": repeated.attempts}
    return {
        "wrong": wrong,
        **{name: [asdict(one) for one in found] for name, found in needed.items()},
    }
