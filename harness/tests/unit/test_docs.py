# SPDX-License-Identifier: GPL-2.0-or-later
"""What the documentation names is there, and what is there is named."""

from __future__ import annotations

import importlib
import re
import sys
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
OPTION = re.compile(r"(?<!\S)(--[a-z][a-z-]*)")
OFFERED = re.compile(r"^  (?:-\w, )?(--[a-z-]+)", re.MULTILINE)
VERB = re.compile(r"^    (\w+) ", re.MULTILINE)
# A command line, up to a comment or the end of what is marked as code.
CALLED = re.compile(r"(?:^|[\s`/])scripts/(\w+)([^#`\n]*)", re.MULTILINE)


def exists(path: str) -> bool:
    return path.startswith(MADE) or (paths.ROOT / path).exists()


def help_of(
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> str:
    """What a command prints for --help."""
    monkeypatch.setattr(sys, "argv", [*words, "--help"])
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(f"switchover.commands.{words[0]}").main()
    assert not ended.value.code
    return capsys.readouterr().out


@pytest.fixture
def options(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> dict[str, set[str]]:
    """All options of each command, those of its verbs included."""
    found = {}
    for name in COMMANDS:
        text = help_of([name], monkeypatch, capsys)
        if "VERB" in text:
            verbs = VERB.findall(text)
            text += "\n".join(help_of([name, v], monkeypatch, capsys) for v in verbs)
        found[name] = {*OFFERED.findall(text)} - {"--help"}
    return found


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


def test_each_option_is_on_the_page_of_its_command(
    options: dict[str, set[str]],
) -> None:
    for name, offered in options.items():
        assert f"({DOCS.relative_to(paths.ROOT)}/{name}.md)" in README.read_text()
        named = set(OPTION.findall((DOCS / f"{name}.md").read_text().replace("`", " ")))
        assert offered - named == set(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_command_is_given_an_option_that_it_lacks(
    page: Path, options: dict[str, set[str]]
) -> None:
    for name, arguments in CALLED.findall(page.read_text()):
        assert name in options
        assert set(OPTION.findall(arguments)) <= options[name] | {"--help"}, name


def test_each_exit_code_has_its_row() -> None:
    kinds = errors.HarnessError.__subclasses__()
    known = {kind.exit_code for kind in kinds if kind.__module__ == errors.__name__}
    rows = re.findall(r"^\| (\d+) \|", (DOCS / "exit-codes.md").read_text(), re.M)
    assert {int(row) for row in rows} == known | {0, 1, 2, errors.INTERRUPTED}
