# SPDX-License-Identifier: GPL-2.0-or-later
"""What has to hold of the harness's own code, and of the iotests, without running them.

    python -m switchover.gates.lint     # in harness/, with the venv's Python

A gate that complains has failed; so has one that can't be run.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from ..core import paths
from ..core.progress import Progress
from . import iotest_lint, linter

FILE_LINES = 350
FUNCTION_LINES = 50
PUBLIC_METHODS = 20


def main() -> int:
    """0 if no gate complains, else 1."""
    passed, failed = run(Progress())
    print(f"{passed} gates passed, {failed} failed")
    return int(failed > 0)


def run(progress: Progress) -> tuple[int, int]:
    """How many gates passed and failed; what they complain of is printed."""
    failed = 0
    for name, gate in GATES.items():
        with progress.step(name):
            complaints = gate(progress)
        for line in complaints:
            print(f"{name}: {line}")
        failed += bool(complaints)
    return len(GATES) - failed, failed


def program(*words: str, scripts: bool = False) -> Callable[[Progress], list[str]]:
    """The gate of a program that exits with 0 if it has nothing to complain of.

    It is the venv's, is run in harness/, and is given the scripts on request.
    """

    def complaints(_progress: Progress) -> list[str]:
        command: list[str | Path] = [Path(sys.executable).with_name(words[0])]
        command += words[1:]
        if scripts:
            command += sorted((paths.ROOT / "scripts").iterdir())
        return linter.complaints(command, _harness(), PYTHONPATH=".")

    return complaints


def sizes(_progress: Progress) -> list[str]:
    """What is over its limit below harness/."""
    return [
        f"{file.relative_to(_harness())}:{line}: {size} {name}, at most {most}"
        for file in sorted(_harness().rglob("*.py"))
        for line, name, size, most in _sizes(file.read_text())
        if size > most
    ]


def _sizes(text: str) -> Iterator[tuple[int, str, int, int]]:
    """Where each thing with a limit is, what it is, its size, and the limit."""
    yield 1, "lines", len(text.splitlines()), FILE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            names = [getattr(one, "name", "_") for one in node.body]
            public = sum(not one.startswith("_") for one in names)
            yield node.lineno, f"public methods of {node.name}", public, PUBLIC_METHODS
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield node.lineno, f"lines of {node.name}", lines, FUNCTION_LINES


def _harness() -> Path:
    return paths.ROOT / "harness"


GATES = {
    "ruff check": program(
        "ruff", "check", "--output-format=concise", ".", scripts=True
    ),
    "ruff format": program("ruff", "format", "--check", ".", scripts=True),
    "mypy": program("mypy", "--scripts-are-modules", "switchover", scripts=True),
    "import-linter": program("lint-imports", "--no-logo"),
    "sizes": sizes,
    "iotest linters": iotest_lint.run,
}

if __name__ == "__main__":
    sys.exit(main())
