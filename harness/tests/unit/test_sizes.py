# SPDX-License-Identifier: GPL-2.0-or-later
"""Files, functions and classes of the harness and its tests are small."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HARNESS = Path(__file__).parents[2]
FILE_LINES = 350
FUNCTION_LINES = 50
PUBLIC_METHODS = 20
LONG = "def long():\n" + "    pass\n" * 50
WIDE = "class Wide:\n" + "".join(f"    def m{n}(self): ...\n" for n in range(21))


def sizes(text: str) -> Iterator[tuple[int, str, int, int]]:
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


def too_large(text: str) -> list[str]:
    return [
        f"{line}: {size} {name}, at most {most}"
        for line, name, size, most in sizes(text)
        if size > most
    ]


def test_all_are() -> None:
    found = {file: too_large(file.read_text()) for file in HARNESS.rglob("*.py")}
    assert len(found) > 100
    assert {file: wrong for file, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("#\n" * 351, "1: 351 lines, at most 350"),
        (f"#\n{LONG}", "2: 51 lines of long, at most 50"),
        (f"#\nasync {LONG}", "2: 51 lines of long, at most 50"),
        (WIDE, "1: 21 public methods of Wide, at most 20"),
    ],
)
def test_what_is_too_large_is_named(text: Any, complaint: str) -> None:
    assert too_large(text) == [complaint]


@pytest.mark.parametrize(
    "text",
    ["#\n" * 350, LONG.replace("    pass\n", "", 1), WIDE.replace("m20", "_m20")],
)
def test_what_is_just_not_too_large(text: Any) -> None:
    assert too_large(text) == []
