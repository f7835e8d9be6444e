# SPDX-License-Identifier: GPL-2.0-or-later
"""A sanitizer's report is found even if a test does not show what QEMU says."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from switchover.core import paths
from switchover.core.command import run
from switchover.core.progress import Progress
from switchover.gates import sanitizer_reports
from switchover.qemu.build import Build

# Writes what it is given to where a sanitizer would.
PROCESS = """
import os, sys
options = os.environ["ASAN_OPTIONS"].split(":")
path = next(o.removeprefix("log_path=") for o in options if o.startswith("log_path="))
with open(f"{path}.{os.getpid()}", "w") as file:
    file.write(sys.argv[1])
"""
LEAK = "==7==ERROR\nSUMMARY: AddressSanitizer: 8 byte(s) leaked in 1 allocation(s).\n"
KNOWN = "==7==WARNING: ASan doesn't fully support makecontext/swapcontext functions\n"


def counted(*texts: str) -> tuple[int, int]:
    """Run a suite with one failure and three passes, whose processes say this."""
    made = Build("sanitized", paths.build_dir("sanitized"))

    def suite(build: Build, _progress: Progress) -> tuple[int, int]:
        for text in texts:
            run(sys.executable, "-c", PROCESS, text, env=build.environment)
        return 3, 1

    return sanitizer_reports.counted(suite, made, Progress())


@pytest.mark.usefixtures("project")
def test_each_report_is_one_more_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert counted(LEAK, KNOWN, LEAK) == (3, 3)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    for line in lines:
        assert line.startswith("AddressSanitizer: 8 byte(s) leaked")


@pytest.mark.usefixtures("project")
def test_one_of_an_earlier_run_is_none() -> None:
    assert counted(LEAK) == (3, 2)
    assert counted(KNOWN) == (3, 1)


def test_the_other_options_stay() -> None:
    plain = Build("sanitized", paths.build_dir("sanitized"))
    options = plain.environment["ASAN_OPTIONS"]
    assert "log_path" not in options
    kept = replace(plain, reports=paths.LOGS / "report").environment
    assert kept["ASAN_OPTIONS"] == f"{options}:log_path={paths.LOGS / 'report'}"
    assert kept["LSAN_OPTIONS"] == plain.environment["LSAN_OPTIONS"]
