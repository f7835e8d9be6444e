# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import sys
from pathlib import Path

import pytest

from switchover.core.progress import Progress
from switchover.gates import lint


@pytest.fixture
def harness(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty harness, and programs beside a Python that is not there."""
    for name in ("harness", "scripts", "bin"):
        (project / name).mkdir()
    (project / "scripts" / "build").touch()
    monkeypatch.setattr(sys, "executable", str(project / "bin" / "python"))
    return project / "harness"


def program(harness: Path, text: str) -> None:
    file = harness.parent / "bin" / "ruff"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def complaints(*words: str) -> list[str]:
    return lint.program(*words, scripts=True)(Progress())


def test_a_program_that_is_content_has_no_complaint(harness: Path) -> None:
    program(harness, "echo fine")
    assert complaints("ruff") == []


def test_what_a_program_says_is_the_complaint(harness: Path) -> None:
    program(harness, 'echo "$(basename $PWD) $1 $(basename $2)"; echo b >&2; exit 1')
    assert complaints("ruff", "check") == ["harness check build", "b", "exit code 1"]


def test_a_program_that_says_nothing_has_failed_all_the_same(harness: Path) -> None:
    program(harness, "exit 2")
    assert complaints("ruff") == ["exit code 2"]


def test_a_program_that_is_missing_or_hangs_has_failed(
    harness: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert complaints("ruff")[0].endswith("/ruff is not installed; install it")
    program(harness, "exec sleep 100")
    monkeypatch.setattr(lint, "SECONDS", 0.1)
    assert complaints("ruff") == ["no end after 0 s"]


@pytest.mark.usefixtures("harness")
def test_each_gate_is_one_count_and_complaints_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gates = {"a": lambda _: [], "b": lambda _: ["x", "y"]}
    monkeypatch.setattr(lint, "GATES", gates)
    assert lint.run(Progress()) == (1, 1)
    assert lint.main() == 1
    assert "b: x\nb: y\n" in capsys.readouterr().out
    del gates["b"]
    assert lint.main() == 0


def test_all_gates_are_there() -> None:
    programs = {"ruff check", "ruff format", "mypy", "import-linter"}
    assert {*programs, "iotest linters"} <= set(lint.GATES)
