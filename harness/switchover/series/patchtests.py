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
from .commits import Commit

IOTESTS = PurePath(iotests_folder.IN_TREE)
UNIT = PurePath(unittests.FOLDER)
QTEST = PurePath(qtests.FOLDER)
# Many files make this one program.
MIGRATION = QTEST / "migration"
# A test or its reference outputs; what else is there is none.
IOTEST = re.compile(r"(?:tests/)?([^/.]+)(?:\.[\w.]*out[\w.]*)?")
# In a diff without context: the first line and the number of lines of the new side.
HUNK = re.compile(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
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
    files = [PurePath(name) for name in commit.files()]
    changed: dict[str, tuple[str, ...]] = {}
    for path in files:
        if path.suffix == ".c" and path.parent in (QTEST, MIGRATION):
            program = qtests.MIGRATION if path.parent == MIGRATION else path.stem
            text, diff = (source / path).read_text(), commit.diff(str(path))
            changed[program] = changed.get(program, ()) + changed_paths(text, diff)
    return PatchTests(
        tuple(sorted({name for path in files if (name := _iotest(path))})),
        tuple(sorted(path.stem for path in files if _is_unit_test(path))),
        changed,
    )


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
    lines = _changed_lines(diff)
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


def _changed_lines(diff: str) -> set[int]:
    lines: set[int] = set()
    for start, count in HUNK.findall(diff):
        # What only removes lines changes the one before them.
        lines.update(range(int(start), int(start) + max(1, int(count or 1))))
    return lines


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


def _iotest(path: PurePath) -> str | None:
    if not path.is_relative_to(IOTESTS):
        return None
    found = IOTEST.fullmatch(str(path.relative_to(IOTESTS)))
    is_numbered = found and found[1].isdecimal()
    is_named = found and path.parent == IOTESTS / "tests"
    return found[1] if found and (is_numbered or is_named) else None


def _is_unit_test(path: PurePath) -> bool:
    is_test = path.stem.startswith(("test-", "check-"))
    return path.parent == UNIT and path.suffix == ".c" and is_test
