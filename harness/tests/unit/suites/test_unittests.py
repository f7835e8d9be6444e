# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's unit tests: the list of them, and how one is run."""

from __future__ import annotations

import asyncio
import re

import pytest

from switchover.core import paths
from switchover.qemu.build import Build
from switchover.suites import unittests

CHANGED = re.compile(r"^\+\+\+ b/tests/unit/((?:test|check)-[\w-]+)\.c$", re.MULTILINE)


def test_own_are_those_that_the_patches_touch():
    patches = sorted(paths.PATCHES.glob("*.patch"))
    touched = {name for one in patches for name in CHANGED.findall(one.read_text())}
    assert sorted(touched) == unittests.OWN


# It writes where it may, and fails.
PROGRAM = """\
#!/bin/sh
echo > tests/file && echo "$0: no reason"
exit 1
"""


@pytest.mark.usefixtures("project")
def test_a_failure_is_the_same_on_each_build():
    for name in ("base", "patched"):
        build = Build(name, paths.build_dir(name))
        program = build.directory / unittests.FOLDER / "test-a"
        program.parent.mkdir(parents=True)
        program.write_text(PROGRAM)
        program.chmod(0o755)
        outcome = asyncio.run(unittests.run(build, "test-a"))
        assert outcome.reason == "test-a: no reason"
