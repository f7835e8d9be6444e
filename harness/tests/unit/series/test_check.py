# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import toy_series
from project import commit, patch, write_series

from switchover.core import paths
from switchover.core.errors import BuildFailed, PatchFailed, WrongTree
from switchover.core.progress import Progress
from switchover.qemu import tree
from switchover.series import (
    check,
    checkpatch,
    checktree,
    commits,
    coverletter,
    export,
    manual,
    patch_by_patch,
    patchtests,
    rebase,
)
from switchover.suites.iotest_check import QemuTestRun

NEW_TEST = f"{export.TESTS}/mirror-then-migrate"


class Workshop:
    """Stands in for building and testing: what was built, and what shall fail."""

    def __init__(self) -> None:
        self.built: list[str] = []
        self.broken = ""
        self.failing = ""

    def compile_at(self, commit: str, _base: str, _progress: Progress) -> None:
        source = checktree.move(commit)
        text = (source / "block.c").read_text()
        self.built.append(text.split("\n")[1])
        if self.broken and self.broken in text:
            raise BuildFailed("QEMU does not compile")

    def tests(self, *_arguments: Any) -> Iterator[Any]:
        status = self.failing or "pass"
        yield "unit test test-a", QemuTestRun(status, "", 1.0, paths.LOGS / "a")


@pytest.fixture
def workshop(toy: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """A toy of two exported patches, which can be checked in no time."""
    shop = Workshop()
    monkeypatch.setattr(checktree, "compile_at", shop.compile_at)
    monkeypatch.setattr(patchtests, "run", shop.tests)
    monkeypatch.setattr("switchover.qemu.configure.decisive", lambda: "")
    patched = tree.ensure("patched", Progress()).directory
    commit(patched, "block.c", "one\n2\n3\n", "second")
    export.export()
    letter = "Subject: A\nVersion: 1\n\n{patches from first}\n"
    (toy / "patches" / coverletter.FILE).write_text(letter)
    return shop


def wrong(fast: bool = False) -> list[str]:
    """Run the check; what it finds wrong."""
    found = check.fast(Progress())
    if not fast:
        found += patch_by_patch.findings(commits.applied(Progress()), Progress())
    return [str(one) for one in found if not one.passed]


def test_each_patch_is_built_by_itself(workshop: Workshop) -> None:
    assert wrong() == []
    assert workshop.built == ["2", "2"]
    assert (paths.tree_dir(checktree.NAME) / "block.c").read_text() == "one\n2\n3\n"


def test_what_was_checked_is_remembered(workshop: Workshop) -> None:
    wrong()
    assert wrong() == []
    assert len(workshop.built) == 2


def test_an_edit_makes_what_comes_after_it_stale(workshop: Workshop) -> None:
    wrong()
    edited = (paths.PATCHES / "0002-second.patch").read_text().replace("+3", "+drei")
    (paths.PATCHES / "0002-second.patch").write_text(edited)
    wrong()
    assert len(workshop.built) == 3
    write_series(**{"0001-first": patch("first", "two", "zwei")})
    wrong()
    assert workshop.built[3:] == ["zwei"]


def test_another_way_to_the_same_content_is_checked(workshop: Workshop) -> None:
    wrong()
    whole = patch("second", "two", "2").replace(" three", "-three\n+3")
    write_series(**{"0001-both": whole})
    wrong()
    assert len(workshop.built) == 3


def test_another_message_makes_nothing_stale(workshop: Workshop) -> None:
    wrong()
    reworded = (paths.PATCHES / "0001-first.patch").read_text().replace("first", "1st")
    (paths.PATCHES / "0001-first.patch").write_text(reworded)
    wrong()
    assert len(workshop.built) == 2


def test_other_compilers_make_all_stale(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong()
    monkeypatch.setattr("switchover.qemu.configure.decisive", lambda: "gcc 13")
    wrong()
    assert len(workshop.built) == 4


def test_a_patch_that_does_not_build_is_named_and_tried_again(
    workshop: Workshop,
) -> None:
    workshop.broken = "\nthree\n"
    (said,) = wrong()
    assert said.startswith("0001 first: build: QEMU does not compile; see ")
    workshop.broken = ""
    assert wrong() == []
    assert len(workshop.built) == 3


def test_a_test_that_does_not_pass_is_named(workshop: Workshop) -> None:
    workshop.failing = "not run"
    said = wrong()
    assert len(said) == 2
    assert said[0].startswith("0001 first: unit test test-a: not run; see ")


def test_a_manual_with_a_warning_is_named(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    patched = paths.tree_dir("patched")
    commit(patched, "docs/a.rst", "A\n", "docs: A")
    export.export()

    def make(_source: Any, _log: Any) -> None:
        raise BuildFailed("a.rst:1: bad")

    monkeypatch.setattr(manual, "make", make)
    (said,) = wrong()
    assert said.startswith("0003 docs: A: manual: a.rst:1: bad; see ")
    assert len(workshop.built) == 3


@pytest.mark.usefixtures("workshop")
def test_what_was_not_checked_is_no_pass() -> None:
    made = commits.applied(Progress())
    found = next(patch_by_patch.remembered(made))
    assert str(found).endswith("not checked as it is now")
    wrong()
    assert all(one.passed for one in patch_by_patch.remembered(made))


@pytest.mark.usefixtures("workshop")
def test_a_patch_that_export_would_change_is_named() -> None:
    path = paths.PATCHES / "0002-second.patch"
    path.write_text(path.read_text() + "-- \n2.39\n")
    assert wrong(fast=True) == [
        "export: scripts/series export would change 0002-second.patch"
    ]


@pytest.mark.usefixtures("workshop")
def test_iotests_have_to_be_the_same_as_in_the_series() -> None:
    patched = paths.tree_dir("patched")
    commit(patched, NEW_TEST, "#!/bin/sh\n", "tests: add one")
    export.export()
    assert wrong(fast=True) == []
    copy = paths.IOTESTS / "mirror-then-migrate"
    copy.chmod(0o755)
    expected = ["iotests: iotests/ is not as in patches/: mirror-then-migrate"]
    assert wrong(fast=True) == expected
    copy.unlink()
    assert wrong(fast=True) == expected


@pytest.mark.usefixtures("workshop")
def test_what_checkpatch_says_needs_a_reason() -> None:
    script = paths.tree_dir("base") / checkpatch.SCRIPT
    script.write_text("print 'x:7: ERROR: no'; exit 1;")
    with pytest.raises(WrongTree):
        wrong(fast=True)
    made = commits.between("base", "series")
    said = [str(one) for one in checkpatch.findings(made, "base", Progress())]
    assert said[1] == "0002 second: checkpatch: line 7: ERROR: no"
    reasons = '["first"]\n"no" = "why"\n["second"]\n"yes" = "why"\n["third"]\n'
    (paths.PATCHES / checkpatch.FILE).write_text(reasons)
    assert [str(one) for one in checkpatch.findings(made, "base", Progress())] == [
        "0001 first: checkpatch: passed",
        (
            "0002 second: checkpatch: line 7: ERROR: no; "
            "checkpatch.toml justifies 'yes', which is not said"
        ),
        "checkpatch: checkpatch.toml has a patch that is not in the series: third",
    ]


@pytest.mark.usefixtures("workshop")
def test_a_patch_that_does_not_apply_ends_the_check() -> None:
    write_series(**{"0001-first": patch("first", "zwo", "2")})
    with pytest.raises(PatchFailed):
        wrong()


@pytest.mark.usefixtures("workshop")
def test_it_is_said_that_local_work_is_not_checked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (paths.tree_dir("patched") / "block.c").write_text("mine\n")
    check.main(fast=True, rebased=False, as_data=False)
    assert "local work; checking patches/, not that" in capsys.readouterr().err


def test_what_was_rebased_is_asked_of_its_own_tree(
    workshop: Workshop, toy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clone = toy_series.clone(toy / "clone")
    commit(clone, str(checkpatch.SCRIPT), "print 'x:7: ERROR: no'; exit 1;", "mend")
    rebase.onto("main", clone, Progress())
    commit(paths.tree_dir(rebase.NAME), "block.c", "1\n", "third")
    assert check.main(fast=True, rebased=True, as_data=False) == 1
    said = capsys.readouterr()
    assert said.err.endswith("third: checkpatch: line 7: ERROR: no\n")
    assert said.out == "1 passed, 3 failed\n"
    assert workshop.built == []


@pytest.mark.usefixtures("workshop")
def test_the_script_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(fast=False, rebased=False, as_data=False) == 0
    assert capsys.readouterr().out == "9 passed, 0 failed\n"
    (paths.PATCHES / coverletter.FILE).unlink()
    assert check.main(fast=True, rebased=False, as_data=True) == 1
    said = capsys.readouterr()
    (bad,) = [one for one in json.loads(said.out) if not one["passed"]]
    assert bad["check"] == "cover letter"
    assert "cover letter: patches/cover-letter has to begin" in said.err
