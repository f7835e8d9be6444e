# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from project import commit

from switchover.commands import series
from switchover.core import paths
from switchover.core.errors import WrongTree
from switchover.core.git import NOBODY, git, head
from switchover.core.progress import Progress
from switchover.qemu import tree
from switchover.series import check, export, prepare, rebase
from switchover.suites import iotest_result

NEW_TEST = f"{export.TESTS}/mirror-then-migrate"


@pytest.fixture
def patched(toy: Path) -> Any:
    """The patched tree of the toy, with one patch."""
    tree.ensure("patched", Progress())
    return toy / "build" / "tree" / "patched"


def contents() -> dict[str, str]:
    return {path.name: path.read_text() for path in paths.PATCHES.iterdir()}


def test_commits_become_patches(patched: Any) -> None:
    commit(patched, "block.c", "one\n2\n3\n", "block: count on")
    assert export.export() == ["0001-first.patch", "0002-block-count-on.patch"]
    assert sorted(contents()) == [
        "0001-first.patch",
        "0002-block-count-on.patch",
        "series",
    ]
    listing = (paths.PATCHES / "series").read_text()
    assert listing == "0001-first.patch\n0002-block-count-on.patch\n"


@pytest.mark.usefixtures("patched")
def test_patches_hold_nothing_that_changes_by_itself() -> None:
    export.export()
    text = contents()["0001-first.patch"]
    assert text.startswith("From " + "0" * 40)
    assert "Subject: [PATCH] first\n" in text
    assert re.search(r"^index [0-9a-f]{40}\.\.[0-9a-f]{40}", text, re.MULTILINE)
    assert not re.search(r"^-- $|\|", text, re.MULTILINE)


def test_what_is_exported_is_no_local_work(patched: Any) -> None:
    commit(patched, "block.c", "one\n2\n3\n", "block: count on")
    export.export()
    series.apply(Progress())
    assert (patched / "block.c").read_text() == "one\n2\n3\n"


def test_export_then_apply_elsewhere_is_the_same_tree(patched: Any) -> None:
    commit(patched, NEW_TEST, "#!/bin/sh\n", "tests: add one")
    export.export()
    content = git(patched, "rev-parse", "HEAD^{tree}")
    git(paths.tree_dir("base"), "worktree", "remove", "--force", patched)
    series.apply(Progress())
    assert git(patched, "rev-parse", "HEAD^{tree}") == content


def test_added_iotests_are_copied(patched: Any) -> None:
    (patched / "script").write_text("#!/bin/sh\n")
    commit(patched, NEW_TEST, "#!/bin/sh\n", "tests: add one")
    (patched / NEW_TEST).chmod(0o755)
    git(patched, "commit", "--quiet", "--all", "--amend", "--no-edit", env=NOBODY)
    export.export()
    (copy,) = paths.IOTESTS.iterdir()
    assert copy.read_bytes() == (patched / NEW_TEST).read_bytes()
    assert copy.stat().st_mode & 0o111
    git(patched, "reset", "--quiet", "--hard", "HEAD^")
    export.export()
    assert not list(paths.IOTESTS.iterdir())


def test_the_declaration_beside_the_iotests_is_kept(patched: Any) -> None:
    paths.IOTESTS.mkdir()
    (paths.IOTESTS / iotest_result.FILE).write_text("[mirror-then-migrate]\n")
    (paths.IOTESTS / "no-longer-there").touch()
    commit(patched, NEW_TEST, "#!/bin/sh\n", "tests: add one")
    export.export()
    names = sorted(path.name for path in paths.IOTESTS.iterdir())
    assert names == [iotest_result.FILE, "mirror-then-migrate"]


def test_what_is_not_committed_is_not_exported(patched: Any) -> None:
    before = contents()
    (patched / "block.c").write_text("mine\n")
    with pytest.raises(WrongTree, match=r"not committed \(block.c\)"):
        export.export()
    assert contents() == before


def test_apply_does_not_overwrite_local_work(patched: Any) -> None:
    commit(patched, "block.c", "mine\n", "mine")
    before = head(patched)
    with pytest.raises(WrongTree, match="scripts/series export"):
        series.apply(Progress())
    assert head(patched) == before


def test_a_series_that_left_its_base_is_not_exported(patched: Any) -> None:
    git(patched, "checkout", "--quiet", "--orphan", "other")
    git(patched, "commit", "--quiet", "--message=other", env=NOBODY)
    with pytest.raises(WrongTree, match="not on top of its base"):
        export.export()


@pytest.mark.usefixtures("project")
def test_there_has_to_be_a_tree() -> None:
    with pytest.raises(WrongTree, match="scripts/series apply"):
        export.export()


def script(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["series", *words])
    return series.main()


@pytest.mark.parametrize("code", [0, 1])
def test_the_exit_code_is_that_of_the_check(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    asked = []

    def main(*options: bool) -> int:
        asked.append(options)
        return code

    monkeypatch.setattr(check, "main", main)
    assert script(monkeypatch, "check") == code
    assert script(monkeypatch, "check", "--fast", "--rebased", "--json") == code
    assert asked == [(False, False, False), (True, True, True)]


def test_the_script_does_what_its_verb_says(
    patched: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(patched, "block.c", "one\n2\n3\n", "second")
    with pytest.raises(WrongTree, match="local work"):
        script(monkeypatch, "apply")
    assert script(monkeypatch, "export") == 0
    assert capsys.readouterr().out == "0001-first.patch\n0002-second.patch\n"
    asked = []
    for module in (rebase, prepare):
        monkeypatch.setattr(module, "main", lambda *options: asked.append(options))
    script(monkeypatch, "rebase", "v1", "--repo", "clone")
    script(monkeypatch, "rebase", "--continue")
    script(monkeypatch, "prepare", "mails", "--signoff")
    assert asked == [
        ("v1", Path("clone"), False),
        (None, paths.SUBMODULE, True),
        (Path("mails"), True),
    ]
