# SPDX-License-Identifier: GPL-2.0-or-later
"""The files of a revision, and those that it lacks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from fake_bisect import source
from project import commit, repository

from switchover.bisect import (
    folders,
    keycodes,
    sourcetree,
)
from switchover.core.command import run
from switchover.core.git import git
from switchover.core.progress import Progress
from switchover.qemu import tree

pytestmark = pytest.mark.usefixtures("project")

# Of keycodemapdb, cut down to what is changed.
KEYMAPS = "Linux Name,QEMU QKeyCode,Sun KBD\nKEY_ESC,esc,0x1d\nKEY_F13,f13,\n"


KEYMAP_GEN = """\
import argparse, sys
parser = argparse.ArgumentParser()
command = parser.add_subparsers(dest="command").add_parser("code-map")
command.add_argument("--lang")
args = parser.parse_args()
print(args.command, "in", args.lang)
"""


def test_the_files_of_a_commit_come_without_git_and_others_go(project: Path) -> None:
    clone = repository(project / "clone")
    commit(clone, "old.c", "x\n", "second")
    sourcetree.checkout(clone, "HEAD")
    assert sorted(p.name for p in folders.source().iterdir()) == ["block.c", "old.c"]
    before = (folders.source() / "block.c").stat().st_mtime_ns
    folders.build().mkdir()
    sourcetree.checkout(clone, "HEAD~1")
    assert sorted(p.name for p in folders.source().iterdir()) == ["block.c", "build"]
    assert (folders.source() / "block.c").stat().st_mtime_ns == before
    assert git(clone, "status", "--porcelain") == ""


@pytest.fixture
def release(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a commit lacks is taken from here."""
    directory = project / "release"
    for name in ("keycodemapdb", "berkeley-softfloat-3", "berkeley-testfloat-3"):
        (directory / "subprojects" / name).mkdir(parents=True)
        (directory / "subprojects" / name / "README").touch()
    keycodemapdb(directory / "subprojects" / "keycodemapdb", "")
    monkeypatch.setattr(tree, "ensure", lambda *_: tree.Tree(directory))
    return directory


def keycodemapdb(place: Path, kind: str) -> tuple[Path, Path]:
    files = place / keycodes.PROGRAM, place / keycodes.TABLE
    for file, text in zip(files, (kind + KEYMAP_GEN, KEYMAPS), strict=True):
        file.parent.mkdir(parents=True)
        file.write_text(text)
    return files


@pytest.mark.usefixtures("release")
def test_what_a_commit_lacks_is_taken_from_the_release() -> None:
    (folders.source() / "ui" / "keycodemapdb").mkdir(parents=True)
    sourcetree.add_wraps(Progress())
    assert (folders.source() / "ui" / "keycodemapdb" / "README").exists()
    # A tree of that age has none.
    assert not (folders.source() / "subprojects").exists()


@pytest.mark.parametrize(
    "options", [["code-map", "--lang=c"], ["--lang=c", "code-map"]]
)
@pytest.mark.usefixtures("release")
def test_keymap_gen_takes_options_where_an_old_qemu_puts_them(
    options: list[str],
) -> None:
    (folders.source() / "ui").mkdir(parents=True)
    sourcetree.add_wraps(Progress())
    program = folders.source() / keycodes.PLACE / keycodes.PROGRAM
    assert run(sys.executable, program, *options) == "code-map in c\n"


@pytest.mark.usefixtures("release")
def test_keys_are_those_that_a_qemu_of_that_age_has() -> None:
    source(ui__x="", qapi__ui_json="{ 'enum': 'QKeyCode',\n  'data': [ 'esc',\n'1' ] }")
    table = folders.source() / keycodes.PLACE / keycodes.TABLE
    sourcetree.add_wraps(Progress())
    assert table.read_text() == KEYMAPS.replace(",f13,", ",,")
    # The next revision may have more.
    source(qapi__ui_json="{ 'enum': 'QKeyCode', 'data': [ 'esc', 'f13' ] }")
    sourcetree.add_wraps(Progress())
    assert table.read_text() == KEYMAPS
    made = table.stat().st_mtime_ns
    sourcetree.add_wraps(Progress())
    assert table.stat().st_mtime_ns == made


@pytest.mark.usefixtures("release")
def test_a_keycodemapdb_that_came_with_a_release_is_left_alone() -> None:
    program, table = keycodemapdb(folders.source() / keycodes.PLACE, "another ")
    source(qapi__ui_json="{ 'enum': 'QKeyCode', 'data': [ 'esc' ] }")
    sourcetree.add_wraps(Progress())
    assert program.read_text() == "another " + KEYMAP_GEN
    assert table.read_text() == KEYMAPS
