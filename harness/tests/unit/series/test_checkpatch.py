# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from switchover.core import paths
from switchover.core.errors import WrongTree
from switchover.series import checkpatch


@pytest.fixture
def source(project: Path) -> Any:
    """A tree whose checkpatch.pl prints what a patch says, and exits 1 at an error."""
    script = project / checkpatch.SCRIPT
    script.parent.mkdir()
    script.write_text("local $/; $_ = <>; s/^/$ARGV:/mg if $_; print; exit /ERROR/;")
    return project


def said(source: Path, text: str) -> list[str]:
    patch = source / "a.patch"
    patch.write_text(text)
    return checkpatch.run(patch, source)


def test_messages_have_line_and_text(source: Path) -> None:
    found = said(source, "7: ERROR: no space\n12: WARNING: added file(s):\n")
    assert found == ["line 7: ERROR: no space", "line 12: WARNING: added file(s):"]


def test_a_warning_alone_is_a_message(source: Path) -> None:
    assert said(source, "3: WARNING: new file\n") == ["line 3: WARNING: new file"]


def test_nothing_said_is_no_message(source: Path) -> None:
    assert said(source, "") == []


def test_a_script_that_fails_otherwise_is_a_message(source: Path) -> None:
    (source / checkpatch.SCRIPT).write_text("die 'no such thing'")
    (message,) = said(source, "")
    assert message.startswith("checkpatch.pl failed: no such thing")


def test_a_script_that_does_not_end_is_a_message(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpatch, "SECONDS", 0.1)
    (source / checkpatch.SCRIPT).write_text("sleep 100")
    assert said(source, "") == ["checkpatch.pl failed: no end after 0 s"]


def test_messages_are_justified_by_their_first_words() -> None:
    messages = ["line 1: WARNING: new file 'a'", "line 2: ERROR: new line"]
    assert checkpatch.unexpected(messages, {}) == messages
    assert checkpatch.unexpected(messages, {"new file": "why"}) == messages[1:]
    assert checkpatch.unexpected(messages, {"ERROR: new": "why"}) == messages[:1]
    assert checkpatch.unexpected(messages, {"new": "why", "old": "why"}) == [
        "checkpatch.toml justifies 'old', which is not said"
    ]


@pytest.mark.usefixtures("project")
def test_reasons_are_read_by_subject() -> None:
    assert checkpatch.justified() == {}
    (paths.PATCHES / checkpatch.FILE).write_text('["a: b"]\n"new file" = "why"\n')
    assert checkpatch.justified() == {"a: b": {"new file": "why"}}


@pytest.mark.usefixtures("project")
def test_a_file_of_reasons_that_is_no_toml_is_named() -> None:
    (paths.PATCHES / checkpatch.FILE).write_text("[")
    with pytest.raises(WrongTree, match=r"patches/checkpatch.toml is no valid TOML"):
        checkpatch.justified()
