# SPDX-License-Identifier: GPL-2.0-or-later
"""The tests that a patch adds or changes, found from what it touches, and their runs.

To add a test for a patch, add it in build/tree/patched, to a commit of the series, and
export: nothing lists it here. How an iotest fails on base is said in iotests/base.toml.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from ..core import paths
from ..core.progress import Progress
from ..qemu.build import Build
from ..suites import iotests_folder, own_iotests, qtests, unittests
from ..suites.iotest_check import FORMATS, Check, QemuTestRun
from .commits import Commit, changed_lines

# A numbered test, one in tests/, or a reference output; what else is there is none.
IOTEST = re.compile(
    rf"{iotests_folder.IN_TREE}/(?:(?=\d)|tests/)([^/.]+)(?:\.[\w.]*out[\w.]*)?"
)
UNIT = re.compile(unittests.SOURCE)
QTEST = PurePath(qtests.FOLDER)
# Many files make this one program.
MIGRATION = QTEST / "migration"
# The head of a C function and its body, which ends at the next "}" in column 0.
FUNCTION = re.compile(
    r"^\w[^;{}]*?(?P<name>\w+)\([^;{}]*\)\s*\{\n(?P<body>.*?)^\}",
    re.MULTILINE | re.DOTALL,
)
# The path and, as the last argument, the function.
REGISTERED = re.compile(r'_test_add\w*\(\s*"(/[^"]+)",[^;]*?(\w+)\);')


@dataclass(frozen=True)
class PatchTests:
    """Names of iotests and unit tests, and of qtests with their paths.

    A qtest without paths is meant as a whole.
    """

    iotests: tuple[str, ...] = ()
    unit: tuple[str, ...] = ()
    qtests: dict[str, tuple[str, ...]] = field(default_factory=dict)


def of(commit: Commit, source: Path) -> PatchTests:
    """The tests of a patch; `source` is the tree as it is with the patch."""
    files = commit.files()
    changed: dict[str, tuple[str, ...]] = {}
    for path in map(PurePath, files):
        if path.suffix == ".c" and path.parent in (QTEST, MIGRATION):
            program = qtests.MIGRATION if path.parent == MIGRATION else path.stem
            text, diff = (source / path).read_text(), commit.diff(str(path))
            changed[program] = changed.get(program, ()) + changed_paths(text, diff)
    return PatchTests(_named(IOTEST, files), _named(UNIT, files), changed)


def _named(pattern: re.Pattern[str], files: list[str]) -> tuple[str, ...]:
    """What these files are called by a pattern."""
    found = map(pattern.fullmatch, files)
    return tuple(sorted({match[1] for match in found if match}))


def run(
    tests: PatchTests, build: Build, progress: Progress
) -> Iterator[tuple[str, QemuTestRun]]:
    """Run them, and say what became of each; raises BuildFailed."""
    for name in unittests.compile_tests(build, list(tests.unit), progress):
        with progress.step(f"{name} on {build.name}"):
            yield f"unit test {name}", asyncio.run(unittests.run(build, name))
    source = paths.tree_dir(build.source) / iotests_folder.IN_TREE
    checks = [Check(build, source, format) for format in FORMATS]
    for name in tests.iotests:
        for result in own_iotests.run(checks, name, {}, progress):
            yield f"iotest {name} ({result.format})", result.outcome
    for name, wanted in tests.qtests.items():
        qtests.compile_test(build, name, progress)
        with progress.step(f"{name} on {build.name}"):
            yield f"qtest {name}", asyncio.run(qtests.run(build, name, wanted))


def changed_paths(text: str, diff: str) -> tuple[str, ...]:
    """The paths of a qtest's file that a diff of it adds, or whose code it changes.

    The diff has no lines of context.
    """
    # What only removes lines changes the one before them.
    lines = set().union(*changed_lines(diff, least=1).values())
    functions = {found["name"]: found for found in FUNCTION.finditer(text)}
    changed = {n for n, found in functions.items() if _lines(text, found) & lines}
    bodies = {name: found["body"] for name, found in functions.items()}
    while callers := _callers(bodies, changed) - changed:
        changed |= callers
    return tuple(
        sorted(
            {
                found[1].rstrip("/")
                for found in REGISTERED.finditer(text)
                if found[2] in changed or _lines(text, found) & lines
            }
        )
    )


def _lines(text: str, found: re.Match[str]) -> set[int]:
    """The numbers of the lines that something was found in."""
    first = text.count("\n", 0, found.start()) + 1
    return set(range(first, first + found[0].count("\n") + 1))


def _callers(bodies: dict[str, str], called: set[str]) -> set[str]:
    """The functions in whose bodies a called one is used, and not registered."""
    return {
        name
        for name, body in bodies.items()
        if not REGISTERED.search(body) and called & {*re.findall(r"\w+", body)}
    }
