# SPDX-License-Identifier: GPL-2.0-or-later
"""What the user's own git is set up to do changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from project import commit, repository

from switchover.core.git import edited, git


def test_no_configuration_of_the_user_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / ".gitconfig"
    settings.write_text("[status]\n\tshowUntrackedFiles = no\n")
    tree = repository(tmp_path / "tree")
    (tree / "new.c").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert edited(tree) == "new.c"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    assert edited(tree) == "new.c"


def test_no_hook_is_run(tmp_path: Path) -> None:
    tree = repository(tmp_path / "tree")
    hook = tree / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    commit(tree, "block.c", "edited\n", "second")
    assert git(tree, "log", "-1", "--format=%s") == "second"


def test_a_few_edited_files_are_named_and_the_others_counted(tmp_path: Path) -> None:
    tree = repository(tmp_path / "tree")
    assert edited(tree) == ""
    for name in "abcd":
        (tree / name).touch()
    assert edited(tree) == "a, b, c and 1 more"
