# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the project's own iotests, or any of QEMU's, as QEMU's `check` does.

On the patched build they have to pass; on base they have to fail as iotests/base.toml
declares. With --upstream, run those of QEMU's own tests that have to do with mirrors,
NBD, migration and inactive nodes on both builds and show what differs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence

from . import build, declaration, overlay, unittests, upstream
from .build import Build
from .check import FORMATS, Check
from .declaration import Declaration
from .lock import exclusive
from .progress import Progress, Step
from .result import Result, missing


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if all was as declared, or alike on both builds; else 1."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.upstream and options.words:
        parser.error("--upstream takes both builds, and chooses the tests")
    progress = Progress()
    with exclusive("iotests", "running iotests"):
        if options.upstream:
            return upstream.main(progress, options.json)
        name, tests = _chosen(options.words)
        made = build.ensure(name, progress)
        source = overlay.make(name)
        for test in tests:
            if not overlay.find(source, test):
                parser.error(f"there is no iotest {test} in iotests/ or in QEMU")
        results = (
            run_own(made, progress) if not tests else _run_on(made, tests, progress)
        )
    return _report(results, options.json)


def run_own(made: Build, progress: Progress) -> list[Result]:
    """Run the project's own tests, and those of QEMU's unit tests that it adds to."""
    results = _run_on(made, [], progress)
    for test in unittests.compile_tests(made, unittests.OWN, progress):
        with progress.step(f"{test} on {made.name}"):
            outcome = asyncio.run(unittests.run(made, test))
        results.append(Result(test, "unit", None, None, outcome))
    return results


def check_own(made: Build, progress: Progress) -> tuple[int, int]:
    """The same: how many were as declared, and how many, which are printed, not."""
    results = run_own(made, progress)
    different = [result for result in results if not result.as_declared]
    for result in different:
        print(result)
    return len(results) - len(different), len(different)


def _run_on(made: Build, tests: list[str], progress: Progress) -> list[Result]:
    source = overlay.make(made.name)
    checks = [Check(made, source, format) for format in FORMATS]
    return asyncio.run(_run_all(checks, tests, progress))


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
        help="patched, and all tests in iotests/, if not given; see scripts/build --help",
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


async def _run_all(
    checks: list[Check], tests: list[str], progress: Progress
) -> list[Result]:
    """Run these tests, or all of the project's own and what is declared of them."""
    declared = declaration.read(checks[0].build.name)
    own = [path.name for path in overlay.own()]
    results = []
    for test in tests or own:
        expected = declared.get(test, Declaration())
        results += await run(checks, test, expected, progress)
    if not tests:
        for test in sorted(declared.keys() - set(own)):
            results += missing(test, declared[test])
    return results


async def run(
    checks: list[Check], test: str, declared: Declaration, progress: Progress
) -> list[Result]:
    """Run a test for each image format that it is meant for.

    One that is meant for none of them has proved nothing: that is its result.
    """
    suited: list[Result] = []
    unsuited: list[Result] = []
    for check in checks:
        with progress.step(f"{test} {check.format} on {check.build.name}") as step:
            if declared.cases is None:
                outcome = await check.test(test)
                found = [Result(test, check.format, None, declared.whole, outcome)]
            else:
                found = await _run_cases(check, test, declared, step)
        is_unsuited = any(result.outcome.unsuited for result in found)
        (unsuited if is_unsuited else suited).extend(found)
    return suited or unsuited


async def _run_cases(
    check: Check, test: str, declared: Declaration, step: Step
) -> list[Result]:
    """Run each unittest case by itself, so that none suffers from another's crash."""
    assert declared.cases is not None
    cases = await check.cases(test)
    results = []
    for case in cases:
        step.update(len(results), len(cases))
        outcome = await check.case(test, case)
        regex = declared.cases.get(case)
        results.append(Result(test, check.format, case, regex, outcome))
        if outcome.unsuited:
            return results
    return results + missing(test, declared, cases)


def _report(results: list[Result], as_data: bool) -> int:
    """Print results, and return the exit code."""
    different = [result for result in results if not result.as_declared]
    for result in different:
        print(result, file=sys.stderr)
    if as_data:
        print(json.dumps([result.as_data() for result in results], indent=1))
    else:
        print(f"{len(results) - len(different)} as declared, {len(different)} not")
    return int(bool(different) or not results)
