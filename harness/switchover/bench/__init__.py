# SPDX-License-Identifier: GPL-2.0-or-later
"""All that scripts/bench measures, in the order in which it is shown."""

from __future__ import annotations

from . import downtime, latency, slowlink, throughput
from .case import Case

ALL: tuple[Case, ...] = (
    *downtime.CASES,
    *slowlink.CASES,
    *throughput.CASES,
    *latency.CASES,
)
BY_NAME = {case.name: case for case in ALL}
