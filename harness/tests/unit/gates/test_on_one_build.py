# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import asyncio

import pytest
from project import commit

from switchover.core import paths
from switchover.core.progress import Progress
from switchover.gates import on_one_build
from switchover.qemu import tree
from switchover.qemu.build import Build
from switchover.series import export

FILE = "tests/qtest/migration/precopy-tests.c"
ADDED = """\
void add(Env *env)
{
    migration_test_add("/migration/new", test_new);
}
"""


@pytest.mark.usefixtures("toy")
def test_of_migration_test_it_runs_what_the_series_adds(monkeypatch):
    patched = tree.ensure("patched", Progress()).directory
    commit(patched, FILE, ADDED, "tests: add one")
    export.export()
    ran: list[str] = []

    async def run_cases(_build, cases: list[str], _title, _progress) -> int:
        ran.extend(cases)
        return 1

    qtests = on_one_build.qtests
    known = ["/migration/old", "/migration/new", "/migration/new/multifd"]
    monkeypatch.setattr(qtests, "compile_test", lambda *_: None)
    monkeypatch.setattr(qtests, "cases", lambda *_: known)
    monkeypatch.setattr(qtests, "run_cases", run_cases)
    build = Build("patched", paths.build_dir("patched"))
    assert asyncio.run(on_one_build._qtests(build, Progress())) == (1, 1)
    assert ran == known[1:]
