# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

from pathlib import Path

import iotest_tree
import pytest

from switchover.core import paths
from switchover.core.progress import Progress
from switchover.gates import lint
from switchover.qemu import tree

CLEAN = '#!/usr/bin/env python3\n"""A test."""\nNUMBER: int = 1\n'
SETTINGS = {
    "linters.py": "import os\n\n"
    "def get_test_files():\n"
    "    names = [f'tests/{name}' for name in os.listdir('tests')]\n"
    "    return [name for name in names if not name.endswith('.out')]\n",
    "pylintrc": "[MESSAGES CONTROL]\ndisable=missing-module-docstring\n",
    "mypy.ini": "[mypy]\nscripts_are_modules = True\ndisallow_any_generics = True\n",
}


@pytest.fixture
def own(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A test of the project's, beside one of a tree with linters."""
    source = paths.tree_dir("base")
    monkeypatch.setattr(tree, "ensure", lambda _name, _progress: tree.Tree(source))
    folder = iotest_tree.make(theirs=CLEAN)
    for name, text in SETTINGS.items():
        (folder / name).write_text(text)
    test = project / "iotests" / "ours"
    iotest_tree.write_test(test, CLEAN)
    return test


def complaints() -> list[str]:
    return lint.iotests(Progress())


@pytest.mark.usefixtures("own")
def test_clean_tests_are_nothing_to_complain_of() -> None:
    assert complaints() == []


def test_both_linters_complain_by_the_settings_of_the_tree(own: Path) -> None:
    own.write_text(f"{CLEAN}Pair = tuple\nit: Pair = 1\nimport os\n")
    said = "\n".join(complaints())
    assert "tests/ours:6:0: W0611" in said
    assert "tests/ours:5: error: Missing type arguments" in said


def test_the_tests_of_the_tree_are_linted_too(own: Path) -> None:
    own.write_text(f"{CLEAN}import theirs\ntheirs.NUMBER.go()\n")
    assert '"int" has no attribute "go"' in "\n".join(complaints())


@pytest.mark.usefixtures("own")
def test_linters_that_do_not_run_have_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lint, "IOTEST_LINT", "import nothing_of_this_name")
    assert complaints()[-1] == "exit code 1"
