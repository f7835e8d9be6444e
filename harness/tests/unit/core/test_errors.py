# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import errno
import os
import signal
from typing import Any

import pytest

from switchover.core import errors

CODES = {
    "MissingTool": 10,
    "SourceUnavailable": 11,
    "WrongTree": 12,
    "BuildFailed": 13,
    "DiskFull": 14,
    "Busy": 15,
    "PatchFailed": 16,
    "GuestFailed": 17,
    "VMLost": 18,
    "NotReady": 19,
    "WrongRange": 22,
}


@pytest.mark.parametrize(("name", "code"), CODES.items())
def test_each_error_has_its_exit_code(
    name: Any, code: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> None:
        raise getattr(errors, name)("do this")

    assert errors.main_guard(main) == code
    assert capsys.readouterr().err == "error: do this\n"


def test_a_verdict_and_success_pass_through() -> None:
    assert errors.main_guard(lambda: 1) == 1
    assert errors.main_guard(lambda: None) == 0


def test_a_full_disk_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/some/file")

    assert errors.main_guard(main) == errors.DiskFull.exit_code
    assert "the disk is full while writing /some/file" in capsys.readouterr().err


def test_other_errors_stay_tracebacks() -> None:
    def main() -> None:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        errors.main_guard(main)


def test_of_several_errors_one_with_a_sentence_is_told() -> None:
    lost, odd = errors.VMLost("it did not start"), KeyError("x")
    inner = ExceptionGroup("", [odd, lost])
    assert errors.first(ExceptionGroup("", [ValueError(), inner])) is lost
    assert errors.first(ExceptionGroup("", [inner.derive([odd])])) is odd


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruption_runs_what_cleans_up(
    number: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    cleaned = []

    def main() -> None:
        try:
            os.kill(os.getpid(), number)
        finally:
            cleaned.append(True)

    assert errors.main_guard(main) == 130
    assert cleaned
    assert "run it again" in capsys.readouterr().err
