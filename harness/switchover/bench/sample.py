# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures of all runs of a variant: median and spread, and what went wrong."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

from .case import Case, Figures, Variant


@dataclass
class Sample:
    """All runs of one variant of a case; `errors` are those that gave no figures."""

    case: Case
    variant: Variant
    runs: list[Figures] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    not_offered: str = ""

    def values(self, figure: str) -> list[float]:
        return [run[figure] for run in self.runs if figure in run]

    def median(self, figure: str | None = None) -> float | None:
        values = self.values(figure or self.case.figure)
        return statistics.median(values) if values else None

    def spread(self, figure: str | None = None) -> tuple[float, float] | None:
        """The first and the third quartile."""
        values = self.values(figure or self.case.figure)
        if len(values) < 2:
            return (values[0], values[0]) if values else None
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
        return low, high

    def as_data(self) -> dict[str, Any]:
        """What --json prints: all figures of all runs, in the case's unit."""
        return {
            "case": self.case.name,
            "variant": self.variant.name,
            "build": self.variant.build,
            "figure": self.case.figure,
            "unit": self.case.unit,
            "median": self.median(),
            "quartiles": self.spread(),
            "runs": self.runs,
            "errors": self.errors,
            "not_offered": self.not_offered,
        }


def reference(samples: list[Sample]) -> float | None:
    """What is 1 in a case: its bound, or the best median of its references."""
    case = samples[0].case
    if case.bound is not None:
        return case.bound
    found = [
        median
        for sample in samples
        if sample.variant.name in case.reference
        and (median := sample.median()) is not None
    ]
    best = min if case.less_is_better else max
    return best(found) if found else None


def ratio(sample: Sample, samples: list[Sample]) -> float | None:
    """How many times the reference of its case this is."""
    one, median = reference(samples), sample.median()
    return median / one if one and median is not None else None
