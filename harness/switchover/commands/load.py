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
import sys
from collections.abc import Sequence
from dataclasses import asdict

from ..core import paths
from ..core.lock import exclusive
from ..core.progress import Progress
from ..load.repeated import RepeatedMigration
from ..load.usage import growth, summary
from ..qemu import build
from . import options

ROUNDS = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if nothing was lost and nothing grows, else 1."""
    parser = argparse.ArgumentParser(prog="scripts/load", description=__doc__)
    options.add_count(parser, "rounds", ROUNDS, "how many migrations")
    options.add_build(parser, build.JUDGED)
    options.add_json(parser)
    given = parser.parse_args(arguments)
    if given.rounds < 2:
        parser.error("one migration has nothing to be compared with")
    progress = Progress()
    with exclusive("load", "running the load test"):
        made = build.ensure(given.build, progress)
        repeated = RepeatedMigration(made, paths.BUILD / "load" / made.name)
        wrong: list[str] = []
        label = f"{given.rounds} migrations on {made.name}"
        try:
            with progress.step(label, given.rounds) as step:
                verdict = asyncio.run(repeated.run(given.rounds, step.update))
            wrong = verdict.wrong()
            if not wrong:
                repeated.remove_images()
        finally:
            # What was measured is worth something also if it ends with an error.
            wrong += [*growth(repeated.usages), *growth(repeated.attempts)]
            _show(wrong, repeated, given.json)
    return int(bool(wrong))


def _show(wrong: list[str], repeated: RepeatedMigration, as_data: bool) -> None:
    for one in wrong:
        print(one, file=sys.stderr)
    needed = {"migrations": repeated.usages, "attempts": repeated.attempts}
    if as_data:
        found = {name: [asdict(one) for one in needed[name]] for name in needed}
        print(json.dumps({"wrong": wrong, **found}, indent=1))
    else:
        print(summary("migrations", repeated.usages))
        print(summary("attempts of the last one", repeated.attempts))
