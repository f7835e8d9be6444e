# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import errno
import re
import time
from pathlib import Path

import pytest
from project import has_ended

from switchover.core import command
from switchover.core.command import CommandFailed, outcome, run
from switchover.core.errors import MissingTool


def test_its_output_is_returned() -> None:
    assert run("echo", "hello") == "hello\n"


def test_the_reason_is_its_first_error() -> None:
    script = "echo one >&2; echo 'fatal: two' >&2; echo three >&2; exit 1"
    with pytest.raises(CommandFailed, match="^two$"):
        run("sh", "-c", script)


def test_a_full_disk_is_told_apart() -> None:
    script = "echo 'cc1: No space left on device' >&2; exit 1"
    with pytest.raises(OSError, match="No space") as caught:
        run("sh", "-c", script)
    assert caught.value.errno == errno.ENOSPC


def test_it_does_not_take_a_hooks_repository_for_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GIT_DIR", "of the hook")
    assert run("sh", "-c", "echo $GIT_DIR $A", env={"A": "given"}) == "given\n"


def test_nothing_changes_our_own_environment() -> None:
    """What is meant for one program would reach all that come after it."""
    writes = re.compile(
        r"putenv\(|del os\.environ"
        r"|environ(\[[^]]*\] *=[^=]|\.(update|pop|setdefault|clear)\()"
    )
    package = Path(command.__file__).parents[1]
    sources = list(package.rglob("*.py"))
    assert len(sources) > 100
    assert [path for path in sources if writes.search(path.read_text())] == []


def test_what_came_of_a_program_is_known_if_it_ends(tmp_path: Path) -> None:
    def came(script: str, seconds: float = 10) -> tuple[int, str]:
        return outcome("sh", "-c", script, cwd=tmp_path, deadline=seconds)

    assert came("echo a warning") == (0, "a warning\n")
    assert came("echo one; echo two >&2; exit 3") == (3, "one\ntwo\n")
    with pytest.raises(CommandFailed, match="no end after 0 s"):
        came("sleep 1000", 0.1)


@pytest.mark.parametrize("program", ["no-such-program", Path("/no-such-program")])
def test_a_missing_program_is_named(program: str | Path) -> None:
    with pytest.raises(MissingTool, match="no-such-program is not installed"):
        run(program)


def test_past_its_deadline_nothing_of_it_is_left(tmp_path: Path) -> None:
    script = "sleep 1000 & echo $! > child; wait"
    start = time.monotonic()
    with pytest.raises(CommandFailed, match=r"no end after"):
        run("sh", "-c", script, cwd=tmp_path, deadline=0.5)
    assert time.monotonic() - start < 5
    assert has_ended(int((tmp_path / "child").read_text()))
