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


def said(*texts: str) -> list[str]:
    build = sanitizer_reports.kept(Build("sanitized", paths.build_dir("sanitized")))
    for text in texts:
        run(sys.executable, "-c", PROCESS, text, env=build.environment)
    return sanitizer_reports.found()


@pytest.mark.usefixtures("project")
def test_a_report_is_found() -> None:
    (one,) = said(KNOWN, LEAK)
    assert one.startswith("AddressSanitizer: 8 byte(s) leaked")


def test_the_other_options_stay() -> None:
    plain = Build("sanitized", paths.build_dir("sanitized"))
    options = plain.environment["ASAN_OPTIONS"]
    assert "log_path" not in options
    kept = replace(plain, reports=paths.LOGS / "report").environment
    assert kept["ASAN_OPTIONS"] == f"{options}:log_path={paths.LOGS / 'report'}"
    assert kept["LSAN_OPTIONS"] == plain.environment["LSAN_OPTIONS"]


@pytest.mark.usefixtures("project")
def test_one_of_an_earlier_run_is_not() -> None:
    assert said(LEAK)
    assert said(KNOWN) == []


@pytest.mark.usefixtures("project")
def test_each_report_is_one_more_failure(capsys: pytest.CaptureFixture[str]) -> None:
    made = Build("sanitized", paths.build_dir("sanitized"))

    def counted(*texts: str) -> tuple[int, int]:
        def suite(build: Build, _progress: Progress) -> tuple[int, int]:
            for text in texts:
                run(sys.executable, "-c", PROCESS, text, env=build.environment)
            return 3, 1

        return sanitizer_reports.counted(suite, made, Progress())

    assert counted(LEAK, KNOWN, LEAK) == (3, 3)
    assert capsys.readouterr().out.count("AddressSanitizer: 8 byte(s) leaked") == 2
    assert counted(KNOWN) == (3, 1)
