# SPDX-License-Identifier: GPL-2.0-or-later
"""What the documentation names is there, and what is there is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from switchover.core import errors, paths

README = paths.ROOT / "README.md"
DOCS = paths.ROOT / "harness" / "docs"
PACKAGE = paths.ROOT / "harness" / "switchover"
ARCHITECTURE = DOCS / "architecture.md"
PAGES = [README, paths.ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
COMMANDS = sorted(path.name for path in (paths.ROOT / "scripts").iterdir())
MOST_LINES = 150
# What is made is not there in a fresh clone; base has QEMU's own files.
MADE = ("build/", "tests/")
LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]*)?\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")


def exists(path: str) -> bool:
    return path.startswith(MADE) or (paths.ROOT / path).exists()


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= MOST_LINES


def test_what_the_map_names_is_there() -> None:
    section = README.read_text().split("## What is where")[1]
    first = [row.split("|")[1] for row in section.splitlines() if row.startswith("|")]
    named = [path for cell in first for path in CODE.findall(cell)]
    # A row may have several packages, of which the first is written in full.
    here = [p if exists(p) else f"harness/switchover/{p}" for p in named]
    assert len(here) > 10
    assert [path for path in here if not exists(path)] == []


def test_what_the_architecture_names_is_there() -> None:
    named = [p for p in CODE.findall(ARCHITECTURE.read_text()) if "/" in p]
    named = [p for p in named if re.fullmatch(r"[\w./-]+", p) and p not in COMMANDS]
    here = [p if exists(p) else f"harness/switchover/{p}" for p in named]
    assert [path for path in here if not exists(path)] == []


@pytest.mark.parametrize("page", [README, ARCHITECTURE], ids=lambda page: page.name)
def test_each_package_is_named(page: Path) -> None:
    text = page.read_text()
    packages = [path.parent.name for path in PACKAGE.glob("*/__init__.py")]
    assert [name for name in packages if f"{name}/`" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_link_is_dead(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        if "://" not in target:
            path = page.parent / target if target else page
            assert path.is_file(), target
            assert not anchor or anchor[1:] in anchors(path), anchor


def anchors(path: Path) -> list[str]:
    """The headings of a page, as a link names them."""
    titles = HEADING.findall(path.read_text())
    return [re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles]


def test_each_exit_code_has_its_row() -> None:
    kinds = errors.HarnessError.__subclasses__()
    known = {kind.exit_code for kind in kinds if kind.__module__ == errors.__name__}
    rows = re.findall(r"^\| (\d+) \|", (DOCS / "exit-codes.md").read_text(), re.M)
    assert {int(row) for row in rows} == known | {0, 1, 2, errors.INTERRUPTED}
