# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose a race is that ThreadSanitizer reports."""

from __future__ import annotations

from pathlib import Path

import pytest
from project import commit, repository

from switchover.core import paths
from switchover.core.git import git
from switchover.gates import races
from switchover.qemu import instrumented
from switchover.qemu.build import Build

DIVIDER = "==================\n"
RACE = """\
WARNING: ThreadSanitizer: data race (pid=7)
  Write of size 4 at 0x7b1c by thread T6 (mutexes: write M536):
    #0 memcpy <null> (libtsan.so.2+0x3ee50)
    #1 stb_p ../include/qemu/bswap.h:237 (qemu-system-x86_64+0x1)
    #2 worker ../job.c:110 (qemu-system-x86_64+0x9101c7)
    #3 thread_start ../util/qemu-thread-posix.c:393 (qemu-system-x86_64+0x8ecc3c)

  Previous read of size 4 at 0x7b1c by main thread (mutexes: write M15):
    #0 look ../block.c:196 (qemu-system-x86_64+0x91047c)
    #1 main ../system/main.c:93 (qemu-system-x86_64+0x31e74f)

  Location is heap block of size 104 at 0x7b1c allocated by thread T8:
    #0 malloc <null> (libtsan.so.2+0x3ebb8)
    #1 submit ../block.c:264 (qemu-system-x86_64+0x910a50)

  Thread T6 'worker' (tid=9, running) created by main thread at:
    #0 pthread_create <null> (libtsan.so.2+0x5e686)
    #1 spawn ../block.c:148 (qemu-system-x86_64+0x16013d)

SUMMARY: ThreadSanitizer: data race ../job.c:110 in worker
"""
TEXT = DIVIDER + RACE + DIVIDER


def found(lines: races.Lines) -> list[str]:
    return list(races.found(TEXT, lines))


def test_it_is_ours_if_an_access_is_in_one_of_our_lines() -> None:
    assert found({"job.c": {110}}) == ["data race ../job.c:110 in worker, by job.c:110"]
    assert found({"block.c": {196}}) == [
        "data race ../job.c:110 in worker, by block.c:196"
    ]


def test_who_calls_or_allocates_or_helps_does_not_count() -> None:
    lines = {
        "block.c": {264, 148},
        "include/qemu/bswap.h": {237},
        "system/main.c": {93},
        "job.c": {111},
    }
    assert found(lines) == []


def test_all_reports_of_all_processes_are_looked_at(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = repository(paths.tree_dir("patched"))
    commit(tree, "job.c", "\n" * 109, "base")
    git(tree, "tag", "base")
    commit(tree, "job.c", "\n" * 109 + "write();\n", "patched")
    folder = instrumented.races()
    folder.mkdir(parents=True, exist_ok=True)
    for process, text in (("7", TEXT), ("8", TEXT.replace("job.c", "io.c") + TEXT)):
        (folder / f"race.{process}").write_text(text)
    build = Build("tsan", project)
    assert races.measure(build) == (
        ["data race ../job.c:110 in worker, by job.c:110"],
        2,
    )
    assert races.count(build) == (0, 1)
    said = capsys.readouterr().out
    assert "in worker, by job.c:110\n1 data races of the series, among 2" in said
    races.clear()
    assert races.measure(build) == ([], 0)
    # Nobody looked.
    assert races.count(build) == (0, 1)
    (folder / "race.9").write_text(TEXT.replace("job.c", "io.c"))
    assert races.count(build) == (0, 0)
