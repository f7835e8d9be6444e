# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong on one build is printed and counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from project import commit

from switchover.core import paths
from switchover.core.progress import Progress
from switchover.gates import on_one_build
from switchover.judging.oracle import Verdict
from switchover.qemu import tree
from switchover.qemu.build import Build
from switchover.scenarios import ALL
from switchover.series import export
from switchover.stories.runner import Result
from switchover.suites import qtests
from switchover.suites.iotest_check import QemuTestRun

MADE = Build("sanitized", Path("/build"))
WRONG = ALL[1]
FILE = "tests/qtest/migration/precopy-tests.c"
ADDED = """\
void add(Env *env)
{
    migration_test_add("/migration/new", test_new);
}
"""


class Runner:
    """Runs nothing; one scenario differs."""

    def __init__(self, *_: object) -> None:
        pass

    async def run_all(
        self, scenarios: Any, builds: list[Build], done: Any
    ) -> list[Result]:
        results = [
            Result(
                *(one, builds[0].name, Verdict()),
                differences=("a", "b") if one is WRONG else (),
                folder=Path("/logs"),
            )
            for one in scenarios
        ]
        for result in results:
            done(result)
        return results


@pytest.mark.usefixtures("project")
def test_a_scenario_that_differs_is_counted_and_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def choose(*_: object) -> None:
        pass

    monkeypatch.setattr("switchover.guest.kernel.ensure", lambda _progress: None)
    monkeypatch.setattr("switchover.vm.accel.choose", choose)
    monkeypatch.setattr(on_one_build, "Runner", Runner)
    assert on_one_build.scenarios(MADE, Progress()) == (len(ALL) - 1, 1)
    shown = f"{WRONG.name} on sanitized: a; b; see /logs\n"
    assert capsys.readouterr().out == shown


@pytest.mark.usefixtures("toy")
def test_of_migration_test_it_runs_what_the_series_adds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    patched = tree.ensure("patched", Progress()).directory
    commit(patched, FILE, ADDED, "tests: add one")
    export.export()
    ends = {"": "pass", "/b": "hang", "/c": "fail"}
    known = ["/migration/old", *(f"/migration/new{case}" for case in ends)]

    async def run_case(_build: Build, path: str) -> QemuTestRun:
        status = ends[path.removeprefix("/migration/new")]
        return QemuTestRun(status, "why", 1, Path("/log"))

    monkeypatch.setattr(qtests, "compile_test", lambda *_: None)
    monkeypatch.setattr(qtests, "cases", lambda *_: known)
    monkeypatch.setattr(qtests, "run_case", run_case)
    build = Build("patched", paths.build_dir("patched"))
    assert on_one_build.migration_test(build, Progress()) == (1, 2)
    assert capsys.readouterr().out == (
        "/migration/new/b: hang: why; see /log\n/migration/new/c: fail: why; see /log\n"
    )
