# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs made with GLib's test framework, which print TAP."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mesonbuild.mtest import TAPParser, TestResult

from ..core import command, descendants, paths
from ..core.lock import exclusive
from ..core.progress import Progress
from ..qemu import ninja
from ..qemu.build import Build
from .iotest_check import QemuTestRun

LOG = "output"


def compile_programs(build: Build, names: list[str], progress: Progress) -> None:
    """Compile some of a build, by their paths below its folder; raises BuildFailed."""
    log = paths.LOGS / f"compile-tests-{build.name}.log"
    with (
        exclusive(build.name, f"building {build.name}"),
        progress.step(f"compile {build.name}'s tests") as step,
    ):
        ninja.compile_targets(build.directory, names, log, step)


async def run(
    program: list[str | Path], folder: Path, env: Mapping[str, str], deadline: float
) -> QemuTestRun:
    """Run one in an empty folder, and go on after a test that failed.

    `deadline` is in seconds.
    """
    log = folder / LOG
    ended = await descendants.run([*program, "--tap", "-k"], folder, log, deadline, env)
    status, reason = (
        ("hang", ended.hang) if ended.hang else judge(ended.code, ended.text)
    )
    return QemuTestRun(status, reason, ended.seconds, log, ended.text)


def judge(code: int, text: str) -> tuple[str, str]:
    """Status and reason: of a failure what GLib or assert() said first.

    If all its tests were skipped, or none was there, it has not run.
    """
    said = list(TAPParser().parse(iter(text.splitlines())))
    tests = [one for one in said if isinstance(one, TAPParser.Test)]
    wrong = [reason for one in said if (reason := _wrong(one))]
    if code or wrong:
        return "fail", (wrong or [command.reason(text)])[0]
    if any(test.result is not TestResult.SKIP for test in tests):
        return "pass", ""
    # A path that is not there is no error to GLib.
    reasons = [test.explanation for test in tests if test.explanation]
    return "not run", (reasons or ["none of its tests was run"])[0]


def _wrong(said: object) -> str:
    """What a part of the output says that has gone wrong, if it does."""
    match said:
        case TAPParser.Test(result=result) if result.is_bad():
            return f"not ok {said}"
        case TAPParser.Bailout(message=message):
            return message
        case TAPParser.UnknownLine(message=message) if "Assertion " in message:
            return message
    return ""
