# SPDX-License-Identifier: GPL-2.0-or-later
"""All scenarios: SCENARIOS of each module here, whose name is their subject."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from ..stories.rig import Scenario

# What the series is about is shown first.
FIRST = ("unfinished", "inactivation", "ready", "release")


def _subjects() -> list[str]:
    """The names of the modules, in the order in which they are shown."""
    names = {module.name for module in pkgutil.iter_modules(__path__)}
    return [*FIRST, *sorted(names.difference(FIRST))]


BY_SUBJECT: dict[str, tuple[Scenario, ...]] = {
    name: getattr(import_module(f".{name}", __name__), "SCENARIOS", ())
    for name in _subjects()
}
ALL = tuple(scenario for about in BY_SUBJECT.values() for scenario in about)
# The subject of a scenario, by the scenario's name.
SUBJECT = {one.name: name for name, about in BY_SUBJECT.items() for one in about}
BY_NAME = {scenario.name: scenario for scenario in ALL}
