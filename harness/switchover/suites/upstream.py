# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's own tests: do the patches break any of them, and what is reached?"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ..core import paths
from ..core.progress import Progress, Task
from ..qemu import build
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
    """A test in an image format, which can be run on each build.

    What runs it is given a suffix for the folder in which the run is kept.
    """

    test: str
    format: str
    on: Mapping[str, Callable[[str], Awaitable[QemuTestRun]]]


def main(progress: Progress, as_data: bool) -> int:
    """0 if no test differs between the builds, else 1."""
    _, different = _of_the_block_layer(chosen(), FORMATS, progress, as_data)
    return int(different > 0)


def short(progress: Progress) -> tuple[int, int]:
    """What takes minutes: how many don't differ, and how many do."""
    return _of_the_block_layer(of_migration(), SHORT_FORMATS, progress)


def _of_the_block_layer(
    tests: list[str],
    formats: Sequence[str],
    progress: Progress,
    as_data: bool = False,
) -> tuple[int, int]:
    """These iotests and the block layer's unit tests: how many don't differ, and do."""
    builds = [build.ensure(name, progress) for name in build.NAMES]
    pairs = _pairs(builds, unittests.BLOCK, tests, formats, progress)
    found = asyncio.run(_compare(pairs, progress))
    _report(found, as_data)
    return _count(found)


def everything(progress: Progress) -> tuple[int, int]:
    """All unit tests and migration-test, too: how many don't differ, and how many do.

    Cases that only the patches have count, too: they have to pass.
    """
    builds = [build.ensure(name, progress) for name in build.NAMES]
    pairs = _all_pairs(builds, progress)
    found = asyncio.run(_compare(pairs, progress))
    _report(found, as_data=False)
    known = {pair.test for pair in pairs}
    patched = qtests.cases(builds[1], qtests.MIGRATION)
    new = [case for case in patched if case not in known]
    title = "migration-test's new cases"
    failed = asyncio.run(qtests.run_cases(builds[1], new, title, progress))
    same, different = _count(found)
    return same + len(new) - failed, different + failed


def on_one(made: Build, progress: Progress) -> tuple[int, int]:
    """Run the same on one build: how many passed or are not for it, and how many failed.

    What failed is printed.
    """
    pairs = _all_pairs([made], progress)
    failed = asyncio.run(_failed(pairs, made.name, progress))
    for pair, outcome in failed:
        print(f"{pair.test} {pair.format} on {made.name}: {outcome}; see {outcome.log}")
    return len(pairs) - len(failed), len(failed)


async def _failed(
    pairs: list[UpstreamTest], name: str, progress: Progress
) -> list[tuple[UpstreamTest, QemuTestRun]]:
    """What fails on a build among others, and again when it is run alone.

    Some are left to chance on any build. Also, gcc 12's AddressSanitizer deadlocks in a
    daemon's process if the RCU thread was allocating memory when it was forked.
    """
    with progress.step(f"QEMU's own tests on {name}", len(pairs)) as step:
        found = await _run_all(pairs, step)
    failed = []
    for pair, one in zip(pairs, found):
        if one.first[name].failed:
            with progress.step(f"{pair.test} {pair.format} again"):
                outcome = await pair.on[name](".1")
            if outcome.failed:
                failed.append((pair, outcome))
    return failed


def _all_pairs(builds: list[Build], progress: Progress) -> list[UpstreamTest]:
    """All that these builds have of it."""
    for made in builds:
        qtests.compile_test(made, qtests.MIGRATION, progress)
    units = unittests.all_tests(builds[0])
    pairs = _pairs(builds, units, chosen(), FORMATS, progress)
    first, *others = (qtests.cases(made, qtests.MIGRATION) for made in builds)
    return pairs + [
        UpstreamTest(
            case, "qtest", {b.name: partial(qtests.run_case, b, case) for b in builds}
        )
        for case in first
        if all(case in cases for cases in others)
    ]


def _count(found: list[Comparison]) -> tuple[int, int]:
    """How many don't differ, and how many do."""
    different = sum(one.verdict == DIFFERENT for one in found)
    return len(found) - different, different


def _report(found: list[Comparison], as_data: bool) -> None:
    if as_data:
        print(json.dumps([one.as_data() for one in found], indent=1))
    else:
        _show(found)


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


def _pairs(
    builds: list[Build],
    units: list[str],
    tests: list[str],
    formats: Sequence[str],
    progress: Progress,
) -> list[UpstreamTest]:
    """Make the unit tests and the overlays; all that is to be run."""
    compiled = [unittests.compile_tests(made, units, progress) for made in builds]
    sources = {made.name: iotests_folder.make(made.name) for made in builds}
    pairs = [
        UpstreamTest(
            name, "unit", {b.name: partial(unittests.run, b, name) for b in builds}
        )
        for name in compiled[0]
        if all(name in names for names in compiled)
    ]
    for test in tests:
        for form in formats:
            checks = [Check(made, sources[made.name], form) for made in builds]
            on = {check.build.name: partial(check.test, test) for check in checks}
            pairs.append(UpstreamTest(test, form, on))
    return pairs


async def _compare(pairs: list[UpstreamTest], progress: Progress) -> list[Comparison]:
    """Run all of them, two at a time, then again and alone what differs."""
    with progress.step("QEMU's own tests on both builds", len(pairs)) as step:
        found = await _run_all(pairs, step)
    for index, pair in enumerate(pairs):
        if found[index].differed:
            with progress.step(f"{pair.test} {pair.format} again, {RERUNS} times"):
                found[index] = await _run_again(pair, found[index])
    return found


async def _run_all(pairs: list[UpstreamTest], step: Task) -> list[Comparison]:
    """The builds take turns, so that load from outside comes upon both."""
    slots = asyncio.Semaphore(PARALLEL)
    done = 0

    async def outcome(pair: UpstreamTest, name: str) -> QemuTestRun:
        async with slots:
            return await pair.on[name]("")

    async def one(pair: UpstreamTest) -> Comparison:
        nonlocal done
        outcomes = await asyncio.gather(*(outcome(pair, name) for name in pair.on))
        done += 1
        step.update(done)
        return Comparison(pair.test, pair.format, dict(zip(pair.on, outcomes)))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(pair)) for pair in pairs]
    return [task.result() for task in tasks]


async def _run_again(pair: UpstreamTest, first: Comparison) -> Comparison:
    again: dict[str, list[QemuTestRun]] = {name: [] for name in build.NAMES}
    for number in range(1, RERUNS + 1):
        for name in build.NAMES:
            again[name].append(await pair.on[name](f".{number}"))
    return Comparison(first.test, first.format, first.first, again)


def _show(found: list[Comparison]) -> None:
    """Differences, what is left to chance, and how many there are of each."""
    for one in found:
        if one.verdict != SAME:
            print(one.shown())
    print(comparison.count(found))
