# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios are data: complete and well-formed."""

from __future__ import annotations

import re

import pytest

from switchover.qemu.build import NAMES
from switchover.scenarios import ALL, BY_NAME
from switchover.stories.rig import Scenario


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.name)
def test_each_declares_an_outcome_for_each_build(scenario: Scenario) -> None:
    assert sorted(scenario.expected) == sorted(NAMES)
    assert 1 <= scenario.disks <= 16
    assert "\n" not in scenario.title
    for expected in scenario.expected.values():
        for pattern in (*expected.errors, *expected.writers, *expected.stderr):
            re.compile(pattern)


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(ALL)
