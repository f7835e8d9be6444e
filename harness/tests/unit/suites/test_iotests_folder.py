# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import iotest_tree
import pytest

from switchover.core import paths
from switchover.suites import iotests_folder


@pytest.fixture
def tree(project: Path) -> Any:
    """A tree with the tests 041 and "theirs"; "ours" and "theirs" in iotests/."""
    folder = iotest_tree.make(theirs="of the tree")
    iotest_tree.write_test(folder / "041", "numbered")
    (folder / "__pycache__").mkdir()
    for name in ("ours", "theirs"):
        iotest_tree.write_test(project / "iotests" / name, "of the project")
    (paths.IOTESTS / "base.toml").touch()
    return folder


@pytest.mark.usefixtures("tree")
def test_it_has_the_tests_of_both() -> None:
    source = iotests_folder.make("base")
    assert (source / "041").read_text() == "numbered"
    assert (source / "tests" / "ours").read_text() == "of the project"
    assert (source / "tests" / "ours.out").exists()
    assert (source / "check").exists()
    assert not (source / "__pycache__").exists()
    assert not (source / "tests" / "base.toml").exists()


@pytest.mark.usefixtures("tree")
def test_the_tree_comes_first() -> None:
    assert (
        iotests_folder.make("base") / "tests" / "theirs"
    ).read_text() == "of the tree"


def test_nothing_is_written_to_the_tree(tree: Path) -> None:
    before = sorted(tree.rglob("*"))
    (iotests_folder.make("base") / "tests" / "scratch").touch()
    assert sorted(tree.rglob("*")) == before


@pytest.mark.usefixtures("tree")
def test_it_is_made_anew() -> None:
    (iotests_folder.make("base") / "tests" / "stale").touch()
    assert not (iotests_folder.make("base") / "tests" / "stale").exists()


@pytest.mark.usefixtures("tree")
def test_own_tests_have_an_output() -> None:
    (paths.IOTESTS / "no-test").touch()
    assert [path.name for path in iotests_folder.own()] == ["ours", "theirs"]


@pytest.mark.parametrize("name", ["41", "041", "ours", "theirs"])
@pytest.mark.usefixtures("tree")
def test_tests_are_found_by_the_names_that_check_takes(name: str) -> None:
    assert iotests_folder.find(iotests_folder.make("base"), name)


@pytest.mark.parametrize("name", ["42", "check", "ours.out", "base.toml", "../041"])
@pytest.mark.usefixtures("tree")
def test_what_is_no_test_is_not_found(name: str) -> None:
    assert not iotests_folder.find(iotests_folder.make("base"), name)
