# SPDX-License-Identifier: GPL-2.0-or-later
"""All scenarios, in the order in which they are shown."""

from __future__ import annotations

from ..stories.scenario import Scenario
from . import (
    capability,
    channels,
    clients,
    commands,
    convergence,
    faults,
    inactivation,
    obstacles,
    ready,
    release,
    unfinished,
    variants,
    waiting,
)

_SUBJECTS = (
    unfinished,
    inactivation,
    ready,
    release,
    channels,
    capability,
    commands,
    faults,
    convergence,
    waiting,
    obstacles,
    clients,
    variants,
)
ALL: tuple[Scenario, ...] = tuple(one for about in _SUBJECTS for one in about.SCENARIOS)
# The name of the module in which a scenario is, by the scenario's.
SUBJECT = {
    one.name: about.__name__.rpartition(".")[2]
    for about in _SUBJECTS
    for one in about.SCENARIOS
}
BY_NAME = {scenario.name: scenario for scenario in ALL}
