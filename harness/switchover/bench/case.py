# SPDX-License-Identifier: GPL-2.0-or-later
"""What is compared: a case has variants, and each gives figures when it is run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ..stories.rig import Lab

# Figures of one run, by name; the case's `figure` is the one that is compared.
Figures = dict[str, float]
Measure = Callable[[Lab], Awaitable[Figures]]


class NotOffered(Exception):
    """This build has no such thing; str() says what it lacks."""


@dataclass(frozen=True)
class Variant:
    """One way to do it, on one build ("base" or "patched")."""

    name: str
    build: str
    measure: Measure


@dataclass(frozen=True)
class Case:
    """Variants that are compared by their median of `figure`, which has a `unit`.

    `reference` names the variants of which the best median is 1; `less_is_better`
    says which one that is. `bound` is a figure that is no measurement: a limit
    that was asked for, in the same unit; then it is 1.
    """

    name: str
    title: str
    figure: str
    unit: str
    variants: tuple[Variant, ...]
    reference: tuple[str, ...] = ()
    bound: float | None = None
    less_is_better: bool = True
