# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import errno
import time

import pytest
from project import has_ended

from switchover.core.command import CommandFailed, run
from switchover.core.errors import MissingTool


def test_its_output_is_returned():
    assert run("echo", "hello") == "hello\n"


def test_the_reason_is_its_first_error():
    script = "echo one >&2; echo 'fatal: two' >&2; echo three >&2; exit 1"
    with pytest.raises(CommandFailed, match="^two$"):
        run("sh", "-c", script)


def test_a_full_disk_is_told_apart():
    script = "echo 'cc1: No space left on device' >&2; exit 1"
    with pytest.raises(OSError, match="No space") as caught:
        run("sh", "-c", script)
    assert caught.value.errno == errno.ENOSPC


def test_a_missing_program_is_named():
    with pytest.raises(MissingTool, match="no-such-program is not installed"):
        run("no-such-program")


def test_past_its_deadline_nothing_of_it_is_left(tmp_path):
    script = "sleep 1000 & echo $! > child; wait"
    start = time.monotonic()
    with pytest.raises(CommandFailed, match=r"no end after"):
        run("sh", "-c", script, cwd=tmp_path, deadline=0.5)
    assert time.monotonic() - start < 5
    assert has_ended(int((tmp_path / "child").read_text()))
