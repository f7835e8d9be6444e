# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the project's own iotests and unit tests, and any of QEMU's iotests."""

from __future__ import annotations

import asyncio
from itertools import chain

from ..core.progress import Progress, Task
from ..qemu.build import Build
from . import iotest_result, iotests_folder, unittests
from .iotest_check import FORMATS, Check
from .iotest_result import Declared, IotestResult, missing


def run_on(made: Build, tests: list[str], progress: Progress) -> list[IotestResult]:
    """Run these iotests or, if none are given, all of the project's own tests.

    That is its iotests, what is declared of them, and those of QEMU's unit tests that
    it adds to.
    """
    source = iotests_folder.make(made.name)
    checks = [Check(made, source, format) for format in FORMATS]
    declared = iotest_result.declared(made.name)
    own = [path.name for path in iotests_folder.own()]
    results = []
    for test in tests or own:
        results += run(checks, test, declared.get(test, {}), progress)
    if tests:
        return results
    for test in sorted(declared.keys() - set(own)):
        results += missing(test, declared[test])
    for test in unittests.compile_tests(made, unittests.own(), progress):
        with progress.step(f"{test} on {made.name}"):
            outcome = asyncio.run(unittests.run(made, test))
        results.append(IotestResult(test, "unit", None, None, outcome))
    return results


def check_own(made: Build, progress: Progress) -> tuple[int, int]:
    """Run all of them: how many were as declared; how many, which are printed, not."""
    results = run_on(made, [], progress)
    different = [result for result in results if not result.as_declared]
    for result in different:
        print(result)
    return len(results) - len(different), len(different)


def run(
    checks: list[Check], test: str, declared: Declared, progress: Progress
) -> list[IotestResult]:
    """Run a test for each image format that it is meant for.

    One that is meant for none of them has proved nothing: that is its result.
    """
    found = []
    for check in checks:
        with progress.step(f"{test} {check.format} on {check.build.name}") as step:
            found.append(asyncio.run(_run(check, test, declared, step)))
    suited = [some for some in found if not any(one.outcome.unsuited for one in some)]
    return list(chain(*(suited or found)))


async def _run(
    check: Check, test: str, declared: Declared, step: Task
) -> list[IotestResult]:
    """Run it as a whole, or each declared unittest case by itself.

    So none suffers from another's crash.
    """
    if declared.keys() <= {None}:
        outcome = await check.test(test)
        return [IotestResult(test, check.format, None, declared.get(None), outcome)]
    cases = await check.cases(test)
    results: list[IotestResult] = []
    for case in cases:
        step.update(len(results), len(cases))
        outcome = await check.case(test, case)
        regex = declared.get(case)
        results.append(IotestResult(test, check.format, case, regex, outcome))
        if outcome.unsuited:
            return results
    return results + missing(test, declared, cases)
