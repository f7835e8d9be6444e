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


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if all was as declared, or alike on both builds; else 1."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.upstream and options.words:
        parser.error("--upstream takes both builds, and chooses the tests")
    progress = Progress()
    with exclusive("iotests", "running iotests"):
        if options.upstream:
            builds = [build.ensure(name, progress) for name in build.NAMES]
            return upstream.main(builds, progress, options.json)
        name, tests = _chosen(options.words)
        made = build.ensure(name, progress)
        source = iotests_folder.make(name)
        for test in tests:
            if not iotests_folder.find(source, test):
                parser.error(f"there is no iotest {test} in iotests/ or in QEMU")
        results = (
            own_iotests.run_on(made, tests, progress)
            if tests
            else own_iotests.run_own(made, progress)
        )
    return _report(results, options.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/iotests",
        usage="%(prog)s [-h] [--json] ([BUILD] [TEST...] | --upstream)",
        description=__doc__,
    )
    parser.add_argument(
        "words",
        nargs="*",
        metavar="[BUILD] [TEST...]",
        help="if not given, patched, and all tests in iotests/; see scripts/build",
    )
    parser.add_argument(
        "--upstream",
        action="store_true",
        help="compare what QEMU's own tests do on both builds (ten minutes)",
    )
    parser.add_argument("--json", action="store_true", help="print a list, as data")
    return parser


def _chosen(words: list[str]) -> tuple[str, list[str]]:
    """The build and the tests that are given; no tests are all in iotests/."""
    if words and words[0] in build.ALL:
        return words[0], words[1:]
    return "patched", words


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
