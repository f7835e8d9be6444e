# SPDX-License-Identifier: GPL-2.0-or-later
"""Flags are for the files that are meant, and for linking."""

from __future__ import annotations

from pathlib import Path

import pytest
from project import commit, repository

from switchover.core import paths
from switchover.core.command import run
from switchover.core.git import git
from switchover.qemu import instrumented


@pytest.fixture
def compiler(tmp_path: Path) -> Path:
    """A folder in which ccache says what it was called with."""
    ccache = tmp_path / "bin" / "ccache"
    ccache.parent.mkdir()
    ccache.write_text('#!/bin/sh\necho "$*"\n')
    ccache.chmod(0o755)
    (tmp_path / "flags").write_text("-fsanitize=address -fx\n../block*\n../job.c\n")
    return tmp_path


def call(folder: Path, *arguments: str) -> list[str]:
    env = {"PATH": f"{folder / 'bin'}:/usr/bin:/bin"}
    output = run(instrumented.COMPILER, folder / "flags", *arguments, env=env)
    return output.split()


@pytest.mark.parametrize("source", ["../block/mirror.c", "../blockjob.c", "../job.c"])
def test_a_file_that_is_meant(compiler: Path, source: str) -> None:
    words = call(compiler, "-c", source, "-O2")
    assert words == ["gcc", "-c", source, "-O2", "-fsanitize=address", "-fx"]


@pytest.mark.parametrize("source", ["../tcg/tcg.c", "qapi/block.c"])
def test_another_file(compiler: Path, source: str) -> None:
    words = call(compiler, "-fsanitize=address", "-c", source, "-fx", "-O2")
    assert words == ["gcc", "-c", source, "-O2"]


def test_linking(compiler: Path) -> None:
    assert call(compiler, "-o", "x", "x.o")[-2:] == ["-fsanitize=address", "-fx"]


@pytest.mark.usefixtures("project")
def test_another_choice_is_seen_by_configure() -> None:
    tree = repository(paths.tree_dir("patched"))
    git(tree, "tag", "base")
    commit(tree, "job.c", "int i;\n", "first")
    commit(tree, "tests/unit/job.c", "int i;\n", "test")
    assert instrumented.changed_sources(tree) == ["job.c"]
    first = instrumented.options("coverage", tree)
    commit(tree, "block.c", "int i;\n", "second")
    assert instrumented.options("coverage", tree) != first
    assert instrumented.options("patched", tree) == []


def preprocess(folder: Path) -> list[str]:
    """What gcc makes of a QEMU source file that ThreadSanitizer watches."""
    source = folder / "job.c"
    source.write_text('#include "config-host.h"\n#ifdef CONFIG_TSAN\nwatched\n#endif\n')
    header: list[str | Path] = ["-include", instrumented.TSAN_HEADER]
    header += ["-iquote", folder]
    return run("gcc", "-E", "-P", *header, source).split()


def test_a_file_that_threadsanitizer_watches_tells_it_of_locks(tmp_path: Path) -> None:
    (tmp_path / "config-host.h").write_text("#pragma once\n#undef CONFIG_TSAN\n")
    assert preprocess(tmp_path) == ["watched"]


def test_a_check_of_the_compiler_needs_no_header_of_qemu(tmp_path: Path) -> None:
    source = tmp_path / "check.c"
    source.write_text("int main(void) { return 0; }\n")
    run("gcc", "-include", instrumented.TSAN_HEADER, "-o", tmp_path / "check", source)
