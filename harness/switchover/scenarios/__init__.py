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

ALL: tuple[Scenario, ...] = (
    *unfinished.SCENARIOS,
    *inactivation.SCENARIOS,
    *ready.SCENARIOS,
    *release.SCENARIOS,
    *channels.SCENARIOS,
    *capability.SCENARIOS,
    *commands.SCENARIOS,
    *faults.SCENARIOS,
    *convergence.SCENARIOS,
    *waiting.SCENARIOS,
    *obstacles.SCENARIOS,
    *clients.SCENARIOS,
    *variants.SCENARIOS,
)
BY_NAME = {scenario.name: scenario for scenario in ALL}
