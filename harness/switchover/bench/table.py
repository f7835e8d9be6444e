# SPDX-License-Identifier: GPL-2.0-or-later
"""Samples as a table: median, spread, and the ratio to the case's reference."""

from __future__ import annotations

from rich.table import Table

from .sample import Sample, ratio

COLUMNS = ("case", "variant", "median", "quartiles", "runs", "ratio", "other medians")


def by_case(samples: list[Sample]) -> dict[str, list[Sample]]:
    """The samples of each case, in their order."""
    found: dict[str, list[Sample]] = {}
    for sample in samples:
        found.setdefault(sample.case.name, []).append(sample)
    return found


def table(samples: list[Sample]) -> Table:
    """One section for each case, one row for each variant."""
    view = Table(title="Medians, and how many times the reference they are")
    for column in COLUMNS:
        right = column in ("median", "quartiles", "runs", "ratio")
        view.add_column(column, justify="right" if right else "left")
    for name, group in by_case(samples).items():
        case = group[0].case
        for number, sample in enumerate(group):
            label = (f"[bold]{name}[/]", case.title)[number] if number < 2 else ""
            view.add_row(label, sample.variant.name, *_figures(sample, group))
        view.add_section()
    return view


def _figures(sample: Sample, group: list[Sample]) -> tuple[str, ...]:
    unit = sample.case.unit
    runs = str(len(sample.runs))
    if sample.errors:
        runs += f" [red]+ {len(sample.errors)} failed[/]"
    if sample.not_offered:
        return "-", "-", runs, "-", sample.not_offered
    median, spread, times = sample.median(), sample.spread(), ratio(sample, group)
    return (
        "-" if median is None else f"{number(median)} {unit}",
        "-" if spread is None else " - ".join(map(number, spread)),
        runs,
        "-" if times is None else f"{times:.2f}",
        _others(sample),
    )


def _others(sample: Sample) -> str:
    """The medians of the figures that are not compared."""
    names = {name for run in sample.runs for name in run} - {sample.case.figure}
    medians = ((name, sample.median(name)) for name in sorted(names))
    return ", ".join(f"{name} {number(m)}" for name, m in medians if m is not None)


def number(value: float) -> str:
    """With as many places as tell something."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
