# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import pytest

from switchover.core import paths
from switchover.core.errors import WrongTree
from switchover.series import checkpatch
from switchover.series.checkpatch import Message


@pytest.fixture
def source(project):
    """A tree whose checkpatch.pl prints what a patch says, and exits 1 if anything."""
    script = project / checkpatch.SCRIPT
    script.parent.mkdir()
    script.write_text("local $/; $_ = <>; s/^/$ARGV:/mg if $_; print; exit length > 0;")
    return project


def said(source, text: str) -> list[Message]:
    patch = source / "a.patch"
    patch.write_text(text)
    return checkpatch.run(patch, source)


def test_messages_have_line_and_text(source):
    found = said(source, "7: ERROR: no space\n12: WARNING: added file(s):\n")
    assert found == [
        Message(7, "ERROR: no space"),
        Message(12, "WARNING: added file(s):"),
    ]
    assert str(found[0]) == "line 7: ERROR: no space"


def test_nothing_said_is_no_message(source):
    assert said(source, "") == []


def test_a_script_that_fails_otherwise_is_a_message(source):
    (source / checkpatch.SCRIPT).write_text("die 'no such thing'")
    (message,) = said(source, "")
    assert message.text.startswith("ERROR: checkpatch.pl failed: no such thing")


def test_a_script_that_does_not_end_is_a_message(source, monkeypatch):
    monkeypatch.setattr(checkpatch, "SECONDS", 0.1)
    (source / checkpatch.SCRIPT).write_text("sleep 100")
    assert said(source, "") == [Message(0, "ERROR: checkpatch.pl: no end after 0 s")]


def test_messages_are_justified_by_their_first_words():
    messages = [Message(1, "WARNING: new file 'a'"), Message(2, "ERROR: new line")]
    assert checkpatch.unjustified(messages, {}) == messages
    assert checkpatch.unjustified(messages, {"new file": "why"}) == messages[1:]
    assert checkpatch.unjustified(messages, {"ERROR: new": "why"}) == messages[:1]
    assert checkpatch.unused(messages, {"new": "why", "old": "why"}) == ["old"]


@pytest.mark.usefixtures("project")
def test_reasons_are_read_by_subject():
    assert checkpatch.justified() == {}
    (paths.PATCHES / checkpatch.FILE).write_text('["a: b"]\n"new file" = "why"\n')
    assert checkpatch.justified() == {"a: b": {"new file": "why"}}


@pytest.mark.usefixtures("project")
def test_a_file_of_reasons_that_is_no_toml_is_named():
    (paths.PATCHES / checkpatch.FILE).write_text("[")
    with pytest.raises(WrongTree, match=r"patches/checkpatch.toml is no valid TOML"):
        checkpatch.justified()
