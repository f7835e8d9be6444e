# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the project's own iotests, or any of QEMU's, as QEMU's `check` does.

On the patched build they have to pass; on base they have to fail as iotests/base.toml
declares. With --upstream, run those of QEMU's own tests that have to do with mirrors,
NBD, migration and inactive nodes on both builds and show what differs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from ..core.lock import exclusive
from ..core.progress import Progress
from ..qemu import build
from ..suites import iotests_folder, own_iotests, upstream
from ..suites.iotest_result import IotestResult
from . import options


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if all was as declared, or alike on both builds; else 1."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.upstream and (given.build or given.tests):
        parser.error("--upstream takes both builds, and chooses the tests")
    progress = Progress()
    with exclusive("iotests", "running iotests"):
        if given.upstream:
            builds = [build.ensure(name, progress) for name in build.NAMES]
            return upstream.main(builds, progress, given.json)
        made = build.ensure(given.build or "patched", progress)
        source = iotests_folder.make(made.name)
        for test in given.tests:
            if not iotests_folder.find(source, test):
                parser.error(f"there is no iotest {test} in iotests/ or in QEMU")
        results = own_iotests.run_on(made, given.tests, progress)
    return _report(results, given.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/iotests",
        usage="%(prog)s [-h] [--json] ([--build NAME] [TEST...] | --upstream)",
        description=__doc__,
    )
    parser.add_argument(
        "tests", nargs="*", metavar="TEST", help="default: all in iotests/"
    )
    options.add_build(parser, default=None)
    parser.add_argument(
        "--upstream",
        action="store_true",
        help="compare what QEMU's own tests do on both builds (ten minutes)",
    )
    options.add_json(parser)
    return parser


def _report(results: list[IotestResult], as_data: bool) -> int:
    """Print results, and return the exit code."""
    different = [result for result in results if not result.as_declared]
    for result in different:
        print(result, file=sys.stderr)
    if as_data:
        print(json.dumps([result.as_data() for result in results], indent=1))
    else:
        print(f"{len(results) - len(different)} as declared, {len(different)} not")
    return int(bool(different) or not results)
