# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's unit tests: the list of them, and how one is run."""

from __future__ import annotations

import asyncio

import project
import pytest

from switchover.core import paths
from switchover.qemu.build import Build
from switchover.suites import unittests


@pytest.mark.usefixtures("project")
def test_own_are_those_that_the_patches_touch() -> None:
    touched = ["tests/unit/test-b.c", "tests/unit/meson.build", "util/test-c.c"]
    project.write_series(
        one="".join(f"+++ b/{name}\n" for name in touched),
        two="+++ b/tests/unit/test-b.c\n+++ b/tests/unit/check-a.c\n",
    )
    assert unittests.own() == ["check-a", "test-b"]


# It writes where it may, and fails.
PROGRAM = """\
#!/bin/sh
echo "$UBSAN_OPTIONS" > tests/file && echo "$0: no reason"
exit 1
"""


@pytest.mark.usefixtures("project")
def test_a_failure_is_the_same_on_each_build() -> None:
    for name in ("base", "sanitized"):
        build = Build(name, paths.build_dir(name))
        program = build.directory / unittests.FOLDER / "test-a"
        program.parent.mkdir(parents=True)
        program.write_text(PROGRAM)
        program.chmod(0o755)
        outcome = asyncio.run(unittests.run(build, "test-a"))
        assert outcome.reason == "test-a: no reason"
        options = (outcome.log.parent / "tests" / "file").read_text().strip()
        assert options == build.environment.get("UBSAN_OPTIONS", "")
