# SPDX-License-Identifier: GPL-2.0-or-later
"""The list of QEMU's unit tests."""

from __future__ import annotations

import re

from switchover import paths, unittests

CHANGED = re.compile(r"^\+\+\+ b/tests/unit/((?:test|check)-[\w-]+)\.c$", re.MULTILINE)


def test_own_are_those_that_the_patches_touch():
    patches = sorted(paths.PATCHES.glob("*.patch"))
    touched = {name for one in patches for name in CHANGED.findall(one.read_text())}
    assert sorted(touched) == unittests.OWN
