# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import toy_series

from switchover.core import bootstrap, paths
from switchover.core.command import CommandFailed
from switchover.core.errors import NotReady, WrongTree
from switchover.core.git import NOBODY, git
from switchover.core.progress import Progress
from switchover.qemu import tree
from switchover.series import (
    checkpatch,
    coverletter,
    finding,
    patch_by_patch,
    prepare,
    rebase,
)

LETTER = "Subject: block: Count\nVersion: 1\n\n{patches from first}: all, {count}\n"


@pytest.fixture
def ready(toy: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A toy series that is rebased, checked and committed; git knows who sends it."""
    (paths.PATCHES / coverletter.FILE).write_text(LETTER)
    (toy / ".gitignore").write_text("/build/\n/clone/\n/mails/\n")
    git(toy, "init", "--quiet")
    git(toy, "config", "user.name", "A Submitter")
    git(toy, "config", "user.email", "me@example.org")
    commit_all(toy)
    monkeypatch.setattr(prepare, "_dry_run", lambda _folder, _submitter: "OK\n")
    monkeypatch.setattr(bootstrap, "missing_packages", lambda _names: [])
    monkeypatch.setattr("switchover.qemu.configure.decisive", lambda: "")
    rebase.onto("main", toy_series.clone(toy / "clone"), Progress())
    remember("")
    return toy


def commit_all(project: Path) -> None:
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message=all", env=NOBODY)


def remember(wrong: str) -> None:
    """Let the slow check have found this about the rebased series."""
    (commit,) = rebase.refreshed(Progress()).commits
    found = finding.Finding("build", wrong)
    finding.store(patch_by_patch._key(commit), [found])


def mails(project: Path, signoff: bool = False) -> dict[str, str]:
    prepare.main(project / "mails", signoff)
    return {path.name: path.read_text() for path in (project / "mails").iterdir()}


def test_the_mails_are_written(ready: Any, capsys: pytest.CaptureFixture[str]) -> None:
    written = mails(ready)
    assert sorted(written) == [
        "0000-cover-letter.patch",
        "0001-first.patch",
        prepare.DRY_RUN,
    ]
    cover, first = written["0000-cover-letter.patch"], written["0001-first.patch"]
    assert "Subject: [PATCH 0/1] block: Count\n" in cover
    assert "\n1: all, 1\n" in cover
    for mail in (cover, first):
        assert "From: A Submitter <me@example.org>\n" in mail
        assert "To: qemu-devel@nongnu.org\nCc: A <a@x>\n" in mail
    assert "\nFrom: A Developer <a@example.org>\n" in first
    assert "Signed-off-by" not in first
    assert "git send-email" in capsys.readouterr().out


def test_a_later_version_is_numbered(ready: Any) -> None:
    letter = LETTER.replace("Version: 1", "Version: 2")
    (paths.PATCHES / coverletter.FILE).write_text(letter)
    commit_all(ready)
    assert "Subject: [PATCH v2 1/1] first" in mails(ready)["v2-0001-first.patch"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_signoff_is_asked_for(
    ready: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    first = mails(ready, signoff=True)["0001-first.patch"]
    assert "\nSigned-off-by: A Submitter <me@example.org>\n" in first
    assert "What a Signed-off-by means" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("stdin", "wrong"),
    [
        (Terminal("y\n"), "not signed off"),
        (Terminal("\n"), "not signed off"),
        (io.StringIO("yes\n"), "in a terminal"),
    ],
)
def test_without_a_clear_yes_there_is_no_signoff(
    ready: Any, monkeypatch: pytest.MonkeyPatch, stdin: Any, wrong: str
) -> None:
    monkeypatch.setattr("sys.stdin", stdin)
    with pytest.raises(NotReady, match=wrong):
        mails(ready, signoff=True)
    assert not (ready / "mails").exists()


def test_a_dry_run_that_fails_leaves_nothing(
    ready: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_folder: Any, _submitter: Any) -> None:
        raise CommandFailed("no")

    monkeypatch.setattr(prepare, "_dry_run", fail)
    with pytest.raises(NotReady, match=r"git send-email does not take this \(no\)"):
        mails(ready)
    assert not (ready / "mails").exists()


def test_a_folder_that_is_there_is_not_touched(ready: Any) -> None:
    (ready / "mails").mkdir()
    with pytest.raises(NotReady, match="is there already"):
        mails(ready)


def test_an_unedited_cover_letter_is_refused(ready: Any) -> None:
    (paths.PATCHES / coverletter.FILE).write_text(LETTER + "EDITME\n")
    commit_all(ready)
    with pytest.raises(NotReady, match="EDITME"):
        mails(ready)


def test_a_failed_check_is_refused(ready: Any) -> None:
    remember("does not compile")
    with pytest.raises(NotReady, match=r"0001 first: build: does not compile.*check"):
        mails(ready)


def test_a_check_of_something_else_is_refused(ready: Any) -> None:
    git(paths.tree_dir(rebase.NAME), "reset", "--quiet", "--soft", "HEAD^")
    (paths.tree_dir(rebase.NAME) / "block.c").write_text("one\n2, mended\nthree\n")
    commit = ["commit", "--quiet", "--all", "--message=first"]
    git(paths.tree_dir(rebase.NAME), *commit, env=NOBODY)
    with pytest.raises(NotReady, match="not checked as it is now"):
        mails(ready)


def test_what_checkpatch_says_is_refused(
    ready: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = ["line 3: ERROR: no"]
    monkeypatch.setattr(checkpatch, "run", lambda _patch, _tree: said)
    with pytest.raises(NotReady, match="checkpatch: line 3: ERROR: no"):
        mails(ready)


def test_uncommitted_changes_are_refused(ready: Any) -> None:
    (ready / "note").touch()
    with pytest.raises(WrongTree, match="note is not committed"):
        mails(ready)


def test_a_series_that_is_not_exported_is_refused(ready: Any) -> None:
    patched = tree.ensure("patched", Progress()).directory
    (patched / "block.c").write_text("mine\n")
    with pytest.raises(WrongTree, match="scripts/series export"):
        mails(ready)


def test_git_has_to_know_who_sends(ready: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "setting", lambda _key: "")
    with pytest.raises(NotReady, match="git config --global user.name"):
        mails(ready)
