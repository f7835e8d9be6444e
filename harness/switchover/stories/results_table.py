# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as a table for people and as data for programs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from rich.markup import escape
from rich.table import Table

from ..guest.disk import BLOCK, KIB, MIB
from ..judging.oracle import Verdict
from ..qemu.build import NAMES
from .runner import Result

COLUMNS = ("scenario", "unpatched QEMU", "patched QEMU", "blocks lost", "downtime")


def table(results: Iterable[Result]) -> Table:
    """Scenario, what each build did, blocks lost and downtime of each.

    In the last two columns unpatched comes before patched; what a scenario has
    nothing to say about is "-".
    """
    view = Table(title="Switchover with mirrored disks", show_lines=True)
    for column in COLUMNS:
        view.add_column(column, overflow="fold")
    for name, by_build in _by_scenario(results).items():
        pair = [by_build.get(build) for build in NAMES]
        title = next(iter(by_build.values())).scenario.title
        view.add_row(
            f"[bold]{name}[/]\n{title}",
            *(_cell(result) for result in pair),
            *(" / ".join(column) for column in zip(*map(_figures, pair), strict=True)),
        )
    return view


def data(results: Iterable[Result]) -> list[dict[str, Any]]:
    """The same as plain data: downtime in milliseconds, blocks of 64 KiB."""
    return [
        {
            "scenario": result.scenario.name,
            "build": result.build,
            "as_declared": not result.differences,
            "differences": list(result.differences),
            "summary": summary(result.verdict),
            "verdict": asdict(result.verdict),
            "logs": str(result.folder),
        }
        for result in results
    ]


def failures(results: Iterable[Result]) -> list[str]:
    """What was not as declared, and where its logs are; a line each."""
    return [
        f"{result.scenario.name} on {result.build}: {'; '.join(result.differences)}; "
        f"see {result.folder}"
        for result in results
        if result.differences
    ]


def summary(verdict: Verdict) -> str:
    """What a build did, in a few words, in the order in which it happened."""
    parts = []
    if verdict.errors:
        parts.append("; ".join(map(shortened, verdict.errors)))
    if verdict.journey:
        parts.append(" -> ".join(verdict.journey))
    if verdict.blocks_lost:
        parts.append(f"{size(verdict.blocks_lost * BLOCK)} never copied")
    elif verdict.blocks_lost == 0:
        parts.append("images equal")
    if verdict.records_lost:
        parts.append(f"{verdict.records_lost} acknowledged writes lost")
    parts += [f"abort: {shortened(crash)}" for crash in verdict.crashes]
    if verdict.hang:
        parts.append(f"hang: {verdict.hang}")
    if verdict.recovery is not None:
        parts.append(f"guest ran on after {verdict.recovery:.0f} ms")
    if verdict.slowest is not None:
        parts.append(f"slowest answer: {verdict.slowest:.0f} ms")
    return "\n".join(parts) or "nothing"


def size(count: int) -> str:
    """A number of bytes in words, in MiB if there is one."""
    return f"{count // MIB} MiB" if count >= MIB else f"{count // KIB} KiB"


def shortened(text: str) -> str:
    """An error without the paths of this machine: one line, one reason of many."""
    line = re.sub(r"\S*/(?=block/)", "", text).splitlines()[0]
    first, *more = line.split("; cannot inactivate ")
    return f"{first} (and {len(more)} more)" if more else first


def _by_scenario(results: Iterable[Result]) -> dict[str, dict[str, Result]]:
    found: dict[str, dict[str, Result]] = {}
    for result in results:
        found.setdefault(result.scenario.name, {})[result.build] = result
    return found


def _cell(result: Result | None) -> str:
    if not result:
        return "-"
    mark = "[red]NOT AS DECLARED[/]\n" if result.differences else ""
    return mark + escape(summary(result.verdict))


def _figures(result: Result | None) -> tuple[str, str]:
    """Blocks lost and downtime."""
    if not result:
        return "-", "-"
    lost, downtime = result.verdict.blocks_lost, result.verdict.downtime
    return (
        "-" if lost is None else str(lost),
        "-" if downtime is None else f"{downtime:.0f} ms",
    )
