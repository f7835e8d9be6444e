# SPDX-License-Identifier: GPL-2.0-or-later
"""What a test did on both builds, and whether the builds differ in it.

The first run of each is made while other tests run. If both ended alike, that is it.
Else the test is run again, alone and some times on each build, and only these runs
count:

- different: most of them ended with the patches as none did without. Whatever causes
  the endings of a test that is left to chance, this one the patches cause.
- flaky: else. Then chance, or the load of the first runs, is enough to explain the
  rest; how often each ending was seen is told.

Two endings are alike if the status is, and for a failure also its reason, but for
numbers: a test that fails on both builds, but not in the same way, has met a change.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from textwrap import shorten
from typing import Any

from ..qemu.build import NAMES
from .iotest_check import QemuTestRun

SAME, FLAKY, DIFFERENT = "same", "flaky", "different"
# Characters of an outcome in a line for people.
SHOWN = 100


@dataclass(frozen=True)
class Comparison:
    """A test in an image format: the first outcome, and later ones, by build."""

    test: str
    format: str
    first: Mapping[str, QemuTestRun]
    again: Mapping[str, list[QemuTestRun]] = field(default_factory=dict)

    @property
    def differed(self) -> bool:
        """Whether the first runs ended differently, which calls for more."""
        base, patched = (ending(self.first[build]) for build in NAMES)
        return base != patched

    @property
    def verdict(self) -> str:
        """SAME, FLAKY or DIFFERENT; see above."""
        if not self.differed:
            return SAME
        base, patched = (list(map(ending, self._counted(build))) for build in NAMES)
        new = [one for one in patched if one not in base]
        return DIFFERENT if 2 * len(new) > len(patched) else FLAKY

    def shown(self) -> str:
        """For people: what each build did, and where to look."""
        lines = [f"{self.verdict}: {self.test} ({self.format})"]
        for build in NAMES:
            seen = [
                f"{number} x {shorten(what, SHOWN)}"
                for what, number in self._summary(build).items()
            ]
            first = shorten(str(self.first[build]), SHOWN)
            alone = ", ".join(seen)
            lines.append(
                f"  {build}: first {first}; alone {alone}; see {self._log(build)}"
            )
        return "\n".join(lines)

    def as_data(self) -> dict[str, Any]:
        """What --json prints."""
        builds = {
            build: {
                "first": str(self.first[build]),
                "outcomes": self._summary(build),
                "seconds": round(self.first[build].seconds, 1),
                "log": str(self._log(build)),
            }
            for build in NAMES
        }
        about = {"test": self.test, "format": self.format, "verdict": self.verdict}
        return {**about, **builds}

    def _counted(self, build: str) -> list[QemuTestRun]:
        return self.again.get(build) or [self.first[build]]

    def _summary(self, build: str) -> dict[str, int]:
        return dict(Counter(map(str, self._counted(build))))

    def _log(self, build: str) -> Any:
        """Of a run that did not pass, if there was one."""
        runs = [self.first[build], *self.again.get(build, [])]
        return next((run for run in runs if run.status != "pass"), runs[0]).log


def ending(outcome: QemuTestRun) -> tuple[str, str]:
    """What has to be alike for two outcomes to be alike."""
    reason = outcome.reason if outcome.status == "fail" else ""
    return outcome.status, re.sub(r"\d+", "N", reason)


def count(comparisons: Collection[Comparison]) -> str:
    """How many there are of each verdict, and of those that show nothing, in words."""
    verdicts = Counter(one.verdict for one in comparisons)
    same = Counter(
        one.first[NAMES[0]].status for one in comparisons if one.verdict == SAME
    )
    words = ", ".join(f"{verdicts[name]} {name}" for name in (SAME, FLAKY, DIFFERENT))
    return (
        f"{words}; of the same, {same['not run']} were not run and "
        f"{same['fail'] + same['hang']} failed on both"
    )
