# SPDX-License-Identifier: GPL-2.0-or-later
"""Which lines the series changes, and which of them were not executed."""

from __future__ import annotations

import json

import pytest
from project import commit, repository

from switchover.core import paths
from switchover.core.command import run
from switchover.core.git import git
from switchover.gates import coverage
from switchover.qemu.build import Build

BASE = """\
int f(int x)
{
    return x;
}
int main(void)
{
    return f(0);
}
"""
PATCHED = BASE.replace(
    "    return x;", "    if (x) {\n        return 2;\n    }\n    return 0;"
)


@pytest.mark.usefixtures("project")
def test_a_line_that_was_not_reached_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tree = repository(paths.tree_dir("patched"))
    commit(tree, "f.c", BASE, "base")
    git(tree, "tag", "base")
    commit(tree, "f.c", PATCHED, "patched")
    build = Build("coverage", tree / "build")
    build.directory.mkdir()
    run("gcc", "--coverage", "-c", "-o", "f.o", "../f.c", cwd=build.directory)
    run("gcc", "--coverage", "-o", "f", "f.o", cwd=build.directory)
    command = {"file": "../f.c", "output": "f.o"}
    (build.directory / "compile_commands.json").write_text(json.dumps([command]))
    run(build.directory / "f", cwd=build.directory)
    (found,) = coverage.measure(build)
    assert found.missed == [4]
    assert str(found) == "f.c: 2 of 3 lines reached\n  4: return 2;"
    assert coverage.total([found, found]) == "the series: 4 of 6 lines reached"
    coverage.show(build)
    assert capsys.readouterr().out == f"{found}\nthe series: 2 of 3 lines reached\n"
    coverage.clear(build)
    assert coverage.measure(build)[0].missed == [3, 4, 6]
