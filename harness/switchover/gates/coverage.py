# SPDX-License-Identifier: GPL-2.0-or-later
"""Which lines that the series adds or changes have been executed, by gcov's count."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..core import paths
from ..core.command import run
from ..core.git import git
from ..qemu.build import Build
from ..qemu.tree import BASE
from ..series.commits import changed_lines

GCOV = ("gcov", "--json-format", "--stdout")

# Executions by line number.
Counts = dict[int, int]


@dataclass(frozen=True)
class Coverage:
    """One file: the executions of each line of the series, and its text by number."""

    file: str
    counts: Counts
    text: dict[int, str]

    @property
    def missed(self) -> list[int]:
        """The numbers of lines that were never executed."""
        return sorted(line for line, count in self.counts.items() if count == 0)

    def __str__(self) -> str:
        lines = [f"{self.file}: {_reached([self])}"]
        lines += [f"  {line}: {self.text[line].strip()}" for line in self.missed]
        return "\n".join(lines)


def total(found: Sequence[Coverage]) -> str:
    """How many lines there are in all, and how many were reached, in words."""
    return f"the series: {_reached(found)}"


def _reached(found: Sequence[Coverage]) -> str:
    lines = sum(len(one.counts) for one in found)
    missed = sum(len(one.missed) for one in found)
    return f"{lines - missed} of {lines} lines reached"


def clear(build: Build) -> None:
    """Forget what has been executed so far."""
    for counters in build.directory.rglob("*.gcda"):
        counters.unlink()


def measure(build: Build) -> list[Coverage]:
    """The coverage of the lines that the patched tree has, and base has not.

    Only what the compiler has made code of: no declarations, no comments, no tests.
    """
    tree = paths.tree_dir(build.source)
    added = {f: n for f, n in added_lines(tree).items() if not f.startswith("tests/")}
    executed = _executed(build, tree, {f for f in added if f.endswith(".c")})
    return [
        Coverage(
            file,
            {n: executed[file][n] for n in sorted(lines & executed[file].keys())},
            dict(enumerate((tree / file).read_text().splitlines(), 1)),
        )
        for file, lines in sorted(added.items())
        if lines & executed[file].keys()
    ]


def show(build: Build) -> None:
    """Print which lines of the series nothing has reached."""
    found = measure(build)
    print(*found, total(found), sep="\n")


def added_lines(tree: Path) -> dict[str, set[int]]:
    """The numbers of the lines of C that the patched tree has, and base has not."""
    return changed_lines(git(tree, "diff", "--unified=0", BASE, "--", "*.c", "*.h"))


def _executed(build: Build, tree: Path, sources: set[str]) -> dict[str, Counts]:
    """What gcov says of all objects of these sources, also of headers in them."""
    total: dict[str, Counts] = defaultdict(dict)
    with ThreadPoolExecutor() as pool:
        for found in pool.map(_gcov, list(_notes(build, tree, sources))):
            for name, counts in found:
                file = (build.directory / name).resolve()
                if file.is_relative_to(tree):
                    merged = total[str(file.relative_to(tree))]
                    for line, count in counts.items():
                        merged[line] = merged.get(line, 0) + count
    return total


def _notes(build: Build, tree: Path, sources: set[str]) -> Iterator[Path]:
    """The compiler's notes for each object that was made of these sources."""
    commands = json.loads((build.directory / "compile_commands.json").read_text())
    for command in commands:
        source = (build.directory / command["file"]).resolve()
        wanted = (
            source.is_relative_to(tree) and str(source.relative_to(tree)) in sources
        )
        notes = (build.directory / command["output"]).with_suffix(".gcno")
        if wanted and notes.exists():
            yield notes


def _gcov(notes: Path) -> list[tuple[str, Counts]]:
    report = json.loads(run(*GCOV, notes, cwd=notes.parent))
    return [
        (file["file"], {one["line_number"]: one["count"] for one in file["lines"]})
        for file in report["files"]
    ]
