# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's own tests: do the patches break any of them, and what is reached?"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ..core import paths
from ..core.progress import Progress, Task
from ..qemu.build import Build
from . import comparison, iotests_folder, qtests, unittests
from .comparison import DIFFERENT, SAME, Comparison
from .iotest_check import FORMATS, Check, QemuTestRun

ABOUT = re.compile(r"mirror|nbd|migrat|inactiv", re.IGNORECASE)
GROUPS = re.compile(r"^# group: (.*)$", re.MULTILINE)
# Some tests are about delays, and fail when there are more runs than cores.
PARALLEL = 2
RERUNS = 3
SHORT_FORMATS = ("qcow2",)


@dataclass(frozen=True)
class UpstreamTest:
    """A test in an image format.

    What runs it is given a build, its name, and a suffix for the folder in which the
    run is kept.
    """

    name: str
    format: str
    runner: Callable[[Build, str, str], Awaitable[QemuTestRun]]

    async def run(self, made: Build, suffix: str = "") -> QemuTestRun:
        return await self.runner(made, self.name, suffix)


def main(builds: list[Build], progress: Progress, as_data: bool) -> int:
    """0 if no test differs between the builds, else 1."""
    found = _compared(builds, chosen(), FORMATS, progress)
    if as_data:
        print(json.dumps([one.as_data() for one in found], indent=1))
    else:
        _show(found)
    return int(any(one.verdict == DIFFERENT for one in found))


def short(builds: list[Build], progress: Progress) -> tuple[int, int]:
    """What takes minutes: how many don't differ, and how many do, which are shown."""
    return _show(_compared(builds, of_migration(), SHORT_FORMATS, progress))


def _compared(
    builds: list[Build], tests: list[str], formats: Sequence[str], progress: Progress
) -> list[Comparison]:
    """These iotests and the block layer's unit tests, on both builds."""
    wanted = _tests(builds, unittests.BLOCK, tests, formats, progress)
    return asyncio.run(_compare(wanted, builds, progress))


def whole(builds: list[Build], progress: Progress) -> tuple[int, int]:
    """All unit tests and migration-test, too: how many don't differ, and how many do.

    Cases that only the patches have count, too: they have to pass.
    """
    tests = _all_tests(builds, progress)
    same, different = _show(asyncio.run(_compare(tests, builds, progress)))
    known = {test.name for test in tests}
    patched = qtests.cases(builds[1], qtests.MIGRATION)
    new = [case for case in patched if case not in known]
    title = "migration-test's new cases"
    passed, failed = asyncio.run(qtests.run_cases(builds[1], new, title, progress))
    return same + passed, different + failed


def on_one(made: Build, progress: Progress) -> tuple[int, int]:
    """Run all of it on one build: how many have not failed, and how many have.

    The latter are printed. A test that is not for this build has not failed.
    """
    tests = _all_tests([made], progress)
    failed = asyncio.run(_failed(tests, made, progress))
    return len(tests) - failed, failed


async def _failed(tests: list[UpstreamTest], made: Build, progress: Progress) -> int:
    """How many fail on a build among others, and again when they are run alone.

    Some are left to chance on any build. Also, gcc 12's AddressSanitizer deadlocks in a
    daemon's process if the RCU thread was allocating memory when it was forked.
    """
    with progress.step(f"QEMU's own tests on {made.name}", len(tests)) as task:
        found = await _run_all(tests, [made], task)
    failed = 0
    for test, one in zip(tests, found, strict=True):
        if one.first[made.name].failed:
            with progress.step(f"{test.name} {test.format} again"):
                run = await test.run(made, ".1")
            if run.failed:
                failed += 1
                print(f"{test.name} {test.format} on {made.name}: {run}; see {run.log}")
    return failed


def _all_tests(builds: list[Build], progress: Progress) -> list[UpstreamTest]:
    """All that these builds have of it."""
    for made in builds:
        qtests.compile_test(made, qtests.MIGRATION, progress)
    units = unittests.all_tests(builds[0])
    tests = _tests(builds, units, chosen(), FORMATS, progress)
    cases = _common([qtests.cases(made, qtests.MIGRATION) for made in builds])
    return tests + [UpstreamTest(case, "qtest", qtests.run_case) for case in cases]


def chosen() -> list[str]:
    """QEMU's own iotests that have to do with what the patches change, by name.

    Those of group migration, and those that speak of mirrors, NBD, migration or
    inactive nodes; not those that QEMU has disabled.
    """
    return [
        name
        for name, (groups, text) in _enabled().items()
        if "migration" in groups or ABOUT.search(text)
    ]


def of_migration() -> list[str]:
    """Those of group migration alone."""
    return [name for name, (groups, _) in _enabled().items() if "migration" in groups]


def _enabled() -> dict[str, tuple[list[str], str]]:
    """The groups and the text of each of QEMU's own iotests, by name."""
    folder = paths.tree_dir("base") / iotests_folder.IN_TREE
    found = {}
    for path in [*folder.glob("[0-9][0-9][0-9]"), *folder.glob("tests/*")]:
        if path.suffix == "" and iotests_folder.outputs(path):
            text = path.read_text(errors="replace")
            groups = " ".join(GROUPS.findall(text)).split()
            if "disabled" not in groups:
                found[path.name] = groups, text
    return dict(sorted(found.items()))


def _tests(
    builds: list[Build],
    units: list[str],
    iotests: list[str],
    formats: Sequence[str],
    progress: Progress,
) -> list[UpstreamTest]:
    """Make the unit tests and the overlays; all that is to be run."""
    compiled = [unittests.compile_tests(made, units, progress) for made in builds]
    sources = {made.name: iotests_folder.make(made.name) for made in builds}

    async def check(form: str, made: Build, name: str, suffix: str) -> QemuTestRun:
        return await Check(made, sources[made.name], form).test(name, suffix)

    return [UpstreamTest(name, "unit", unittests.run) for name in _common(compiled)] + [
        UpstreamTest(name, form, partial(check, form))
        for name in iotests
        for form in formats
    ]


def _common(names: list[list[str]]) -> list[str]:
    """What is in all of these lists, as it is ordered in the first."""
    return [one for one in names[0] if all(one in others for others in names)]


async def _compare(
    tests: list[UpstreamTest], builds: list[Build], progress: Progress
) -> list[Comparison]:
    """Run all of them, two at a time, then again and alone what differs."""
    with progress.step("QEMU's own tests on both builds", len(tests)) as task:
        found = await _run_all(tests, builds, task)
    for index, test in enumerate(tests):
        if found[index].differed:
            with progress.step(f"{test.name} {test.format} again, {RERUNS} times"):
                found[index] = await _run_again(test, builds, found[index])
    return found


async def _run_all(
    tests: list[UpstreamTest], builds: list[Build], task: Task
) -> list[Comparison]:
    """The builds take turns, so that load from outside comes upon both."""
    slots = asyncio.Semaphore(PARALLEL)
    done = 0

    async def run(test: UpstreamTest, made: Build) -> tuple[str, QemuTestRun]:
        async with slots:
            return made.name, await test.run(made)

    async def one(test: UpstreamTest) -> Comparison:
        nonlocal done
        runs = await asyncio.gather(*(run(test, made) for made in builds))
        done += 1
        task.update(done)
        return Comparison(test.name, test.format, dict(runs))

    # If one raises an error, asyncio.run() ends the others.
    return await asyncio.gather(*map(one, tests))


async def _run_again(
    test: UpstreamTest, builds: list[Build], first: Comparison
) -> Comparison:
    again: dict[str, list[QemuTestRun]] = {made.name: [] for made in builds}
    for number in range(1, RERUNS + 1):
        for made in builds:
            again[made.name].append(await test.run(made, f".{number}"))
    return replace(first, again=again)


def _show(found: list[Comparison]) -> tuple[int, int]:
    """Print what differs or is left to chance; how many don't differ, how many do."""
    for one in found:
        if one.verdict != SAME:
            print(one.shown())
    print(comparison.count(found))
    different = sum(one.verdict == DIFFERENT for one in found)
    return len(found) - different, different
