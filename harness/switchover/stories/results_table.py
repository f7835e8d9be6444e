# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as a table for people and as data for programs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import asdict
from typing import Any

from rich.markup import escape
from rich.table import Table

from ..guest.disk import BLOCK, KIB, MIB
from ..judging.oracle import Verdict
from ..qemu.build import ALL
from .runner import Result

# Other builds are called what they are called everywhere.
HEADINGS = {"base": "unpatched QEMU", "patched": "patched QEMU"}


def table(results: Collection[Result]) -> Table:
    """Scenario, what each build did, blocks lost and downtime of each.

    In the last two columns the builds are in the same order; what a scenario has
    nothing to say about is "-".
    """
    view = Table(title="Switchover with mirrored disks", show_lines=True)
    builds = [name for name in ALL if any(result.build == name for result in results)]
    headings = [HEADINGS.get(name, name) for name in builds]
    for column in ("scenario", *headings, "blocks lost", "downtime"):
        view.add_column(column, overflow="fold")
    for name, by_build in _by_scenario(results).items():
        row = [by_build.get(build) for build in builds]
        title = next(iter(by_build.values())).scenario.title
        view.add_row(
            f"[bold]{name}[/]\n{title}",
            *(_cell(result) for result in row),
            *(" / ".join(column) for column in zip(*map(_figures, row), strict=True)),
        )
    return view


def data(results: Collection[Result]) -> list[dict[str, Any]]:
    """The same as plain data: downtime in milliseconds, blocks of 64 KiB."""
    runs = Counter(map(_title, results))
    return [
        {
            "scenario": result.scenario.name,
            "build": result.build,
            "runs": runs[_title(result)],
            "as_declared": not result.differences,
            "differences": list(result.differences),
            "summary": summary(result.verdict),
            "verdict": asdict(result.verdict),
            "logs": str(result.folder),
        }
        for result in _last(results).values()
    ]


def failures(results: Iterable[Result]) -> list[str]:
    """What was not as declared; a line each."""
    return [line(result) for result in results if result.differences]


def line(result: Result) -> str:
    """Whether it is as declared, or what is not, and where its logs are."""
    said = "as declared"
    if result.differences:
        said = f"{'; '.join(result.differences)}; see {result.folder}"
    return f"{_title(result)}: {said}"


def repeated(results: Collection[Result], most: int) -> list[str]:
    """In how many runs each was as declared, or which run was not; a line each."""
    runs = Counter(map(_title, results))
    return [
        f"{title}: different in run {runs[title]} of {most}"
        if result.differences
        else f"{title}: as declared in {runs[title]} runs"
        for title, result in _last(results).items()
    ]


def _title(result: Result) -> str:
    return f"{result.scenario.name} on {result.build}"


def _last(results: Iterable[Result]) -> dict[str, Result]:
    """Of what was run again and again, the last run."""
    return {_title(result): result for result in results}


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
