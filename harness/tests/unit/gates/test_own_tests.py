# SPDX-License-Identifier: GPL-2.0-or-later
"""What pytest and avocado report is counted, and what they don't has failed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from switchover.core import paths
from switchover.core.progress import Progress
from switchover.gates import own_tests
from switchover.qemu.build import Build

XML = (
    '<testsuites><testsuite tests="9" failures="1" errors="2" skipped="1"/>'
    '<testsuite tests="1"/></testsuites>'
)
RESULTS = json.dumps({"total": 6, "pass": 4, "skip": 2})


@pytest.fixture
def program(project: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Have a shell script stand for Python and all that it is to run."""

    async def choose(*_: object) -> None:
        pass

    monkeypatch.setattr(own_tests, "HARNESS", project)
    monkeypatch.setattr("switchover.guest.kernel.ensure", lambda _progress: None)
    monkeypatch.setattr("switchover.vm.accel.choose", choose)

    def program(text: str) -> None:
        file = project / "python"
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(file))

    return program


def counted() -> list[tuple[int, int]]:
    build = Build("base", paths.build_dir("base"))
    return [own_tests.unit_tests(), own_tests.scenarios(build, Progress())]


def test_reports_are_counted(program: Any) -> None:
    program(f"echo '{XML}' > build/logs/unit.xml")
    assert own_tests.unit_tests() == (6, 4)
    program(f"echo '{RESULTS}' > build/logs/scenarios.json")
    assert counted()[1] == (4, 2)


def test_they_are_told_where_to_write_them(program: Any, project: Path) -> None:
    program('echo "$@" >> arguments')
    counted()
    pytest_, avocado = (project / "arguments").read_text().splitlines()
    assert f"--junitxml={paths.LOGS / 'unit.xml'}" in pytest_
    assert f"--json={paths.LOGS / 'scenarios.json'}" in avocado
    assert f"--resolver-run-executables {project / 'tests' / 'scenarios'}" in avocado


def test_without_a_report_it_has_failed_even_if_there_was_one(program: Any) -> None:
    paths.LOGS.mkdir()
    (paths.LOGS / "unit.xml").write_text(XML)
    (paths.LOGS / "scenarios.json").write_text(RESULTS)
    program("true")
    assert counted() == [(0, 1), (0, 1)]


def test_a_hang_has_failed(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UNIT_SECONDS", "SCENARIOS_SECONDS"):
        monkeypatch.setattr(own_tests, name, 0.2)
    program("exec sleep 100")
    assert counted() == [(0, 1), (0, 1)]
