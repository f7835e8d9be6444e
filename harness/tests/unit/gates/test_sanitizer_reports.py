# SPDX-License-Identifier: GPL-2.0-or-later
"""A sanitizer's report is found even if a test does not show what QEMU says."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from switchover.gates import sanitizer_reports

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
    with sanitizer_reports.kept():
        for text in texts:
            command = [sys.executable, "-c", PROCESS, text]
            subprocess.run(command, check=True)
    return sanitizer_reports.found()


@pytest.mark.usefixtures("project")
def test_a_report_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=1")
    (one,) = said(KNOWN, LEAK)
    assert one.startswith("AddressSanitizer: 8 byte(s) leaked")
    assert os.environ["ASAN_OPTIONS"] == "detect_leaks=1"


@pytest.mark.usefixtures("project")
def test_one_of_an_earlier_run_is_not() -> None:
    assert said(LEAK)
    assert said(KNOWN) == []
