# SPDX-License-Identifier: GPL-2.0-or-later
"""Samples as a picture: each run a dot, the quartiles a bar, the median a line."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..timeline import figure
from ..timeline.figure import INK, LINE, NORMAL, bare, write
from .sample import Sample, ratio, reference
from .table import by_case, number

# In inches.
WIDTH, ROW, HEAD = 9.0, 0.24, 0.62
LEFT, RIGHT = 2.2, 1.0
COLOURS = {"base": "#7d8793", "patched": "#3a78c3"}


def save(samples: list[Sample], path: Path) -> list[Path]:
    """Write path.png and path.svg, each whole or not at all; their paths."""
    return figure.save(lambda: draw(samples), path)


def draw(samples: list[Sample]) -> Figure:
    """A panel for each case that has figures."""
    groups = list(by_case([sample for sample in samples if sample.runs]).values())
    heights = [HEAD + ROW * len(group) for group in groups]
    total = sum(heights) + 0.3
    drawn = Figure(figsize=(WIDTH, total))
    top = 0.0
    for group, height in zip(groups, heights, strict=True):
        bottom = total - top - height
        inner = (WIDTH - LEFT - RIGHT) / WIDTH
        box = (LEFT / WIDTH, bottom / total, inner, ROW * len(group) / total)
        _panel(drawn.add_axes(box), group)
        top += height
    return drawn


def _panel(axes: Axes, group: list[Sample]) -> None:
    case = group[0].case
    bare(axes)
    axes.grid(axis="x", color=LINE, lw=0.6)
    axes.set_axisbelow(True)
    title = f"{case.title} ({case.unit})"
    axes.set_title(title, loc="left", fontsize=NORMAL, color=INK, weight="bold")
    axes.set(ylim=(len(group) - 0.5, -0.5))
    names = [sample.variant.name for sample in group]
    axes.set_yticks(range(len(group)), names, color=INK)
    for row, sample in enumerate(group):
        _row(axes, row, sample, group)
    if one := reference(group):
        axes.axvline(one, color=INK, lw=0.8, ls=(0, (3, 2)))
    axes.set_xlim(left=0)


def _row(axes: Axes, row: int, sample: Sample, group: list[Sample]) -> None:
    values = sample.values(sample.case.figure)
    median, spread = sample.median(), sample.spread()
    if median is None or spread is None:
        return
    colour = COLOURS[sample.variant.build]
    low, high = spread
    axes.barh(row, high - low, left=low, height=0.6, color=colour, alpha=0.3, lw=0)
    axes.plot([median] * 2, [row - 0.36, row + 0.36], color=colour, lw=2.2)
    axes.plot(values, [row] * len(values), "o", color=colour, ms=2.6, alpha=0.7)
    times = ratio(sample, group)
    text = number(median) + ("" if times is None else f"  x {times:.2f}")
    place = axes.get_yaxis_transform()
    write(axes, 1.02, row, text, transform=place)
