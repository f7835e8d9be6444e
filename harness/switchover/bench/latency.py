# SPDX-License-Identifier: GPL-2.0-or-later
"""How long a guest's write takes while its disk is mirrored."""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass

from ..stories.rig import GUEST_SECONDS, Lab
from .case import Case, Figures, Variant
from .measured_rig import MeasuredRig, Setup

WRITES = 1000
PER_SECOND = 250
TASK = f"block=4096 rate={PER_SECOND}"
# In nanoseconds; load.c says it.
TOOK = re.compile(r"^TOOK \d+ (\d+)\r?$\n", re.MULTILINE)
PERCENT = 99
DEADLINE_SECONDS = GUEST_SECONDS + WRITES / PER_SECOND


@dataclass(frozen=True)
class Writes:
    """A guest that writes 4 KiB at a set rate; `mode` is the mirror's, if any."""

    mode: str | None

    async def __call__(self, lab: Lab) -> Figures:
        shared = self.mode is None
        rig = MeasuredRig(lab, Setup(shared=shared, task=TASK))
        try:
            await rig.up(**({"copy_mode": self.mode} if self.mode else {}))
            before = len(TOOK.findall(rig.source.console.text))

            def enough() -> list[str] | None:
                found = TOOK.findall(rig.source.console.text)[before:]
                return found if len(found) >= WRITES else None

            found = await rig.source.until("writes", enough, DEADLINE_SECONDS)
        finally:
            await rig.kill()
        microseconds = [int(text) / 1000 for text in found]
        tail = statistics.quantiles(microseconds, n=100)[PERCENT - 1]
        return {"median": statistics.median(microseconds), "p99": tail}


def _case(mode: str) -> Case:
    return Case(
        f"latency-{mode}",
        f"guest write of 4 KiB, {mode} mirror",
        "median",
        "us",
        (
            Variant("base, no mirror", "base", Writes(None)),
            Variant("base", "base", Writes(mode)),
            Variant("patched", "patched", Writes(mode)),
        ),
        ("base",),
    )


CASES = tuple(_case(mode) for mode in ("background", "write-blocking"))
