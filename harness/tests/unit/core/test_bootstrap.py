# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from switchover.core import bootstrap, command, paths
from switchover.core.errors import MissingTool, SourceUnavailable


def test_only_what_is_not_installed_is_missing() -> None:
    packages = ["dpkg", "no-such-package-at-all"]
    assert bootstrap.missing_packages(packages) == ["no-such-package-at-all"]


def test_without_root_one_sentence_names_the_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(MissingTool) as caught:
        bootstrap.install(["flex", "bison"])
    assert str(caught.value) == (
        "these Debian packages are missing: flex bison; "
        "as root run: apt-get install flex bison"
    )


@pytest.mark.usefixtures("project")
def test_lists_are_updated_once_before_it_gives_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    verbs = []

    def no_network(verb: Any, *_packages: Any) -> str:
        verbs.append(verb)
        return "Could not resolve"

    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(bootstrap, "apt_get", no_network)
    with pytest.raises(SourceUnavailable, match=r"flex \(Could not resolve\)"):
        bootstrap.install(["flex"])
    assert verbs == ["install", "update", "install"]


@pytest.mark.usefixtures("project")
def test_a_venv_that_could_not_be_filled_is_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_network(*arguments: Any) -> None:
        if "pip" in arguments:
            # A package that is not the one that was pinned is none of ours.
            assert "--require-hashes" in arguments
            raise command.CommandFailed("No matching distribution")

    monkeypatch.setattr(command, "run", no_network)
    with pytest.raises(SourceUnavailable, match="No matching distribution"):
        bootstrap.make_venv()
    assert not bootstrap.venv_is_ready()


@pytest.mark.usefixtures("project")
def test_a_venv_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    done = []

    def run(*words: Any) -> None:
        done.append(words)
        paths.VENV.mkdir(exist_ok=True)

    monkeypatch.setattr(command, "run", run)
    for _ in range(2):
        bootstrap.make_venv()
    assert len(done) == 2 and bootstrap.venv_is_ready()


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("ready", [False, True])
def test_the_script_is_started_again_in_the_venv(
    monkeypatch: pytest.MonkeyPatch, ready: bool
) -> None:
    done: list[Any] = []
    monkeypatch.setattr(bootstrap, "missing_packages", lambda _: [])
    monkeypatch.setattr(bootstrap, "venv_is_ready", lambda: ready)
    monkeypatch.setattr(bootstrap, "make_venv", lambda: done.append("made"))
    monkeypatch.setattr(os, "execv", lambda path, words: done.append((path, words)))
    monkeypatch.setattr(sys, "argv", ["scripts/test", "--unit"])
    bootstrap.enter()
    python = str(paths.VENV / "bin" / "python")
    started = (python, [python, "scripts/test", "--unit"])
    assert done == ([started] if ready else ["made", started])


def failing() -> int:
    raise MissingTool("x")


@pytest.mark.parametrize(
    ("main", "code"),
    [(lambda: 0, 0), (lambda: 1, 1), (failing, MissingTool.exit_code)],
)
def test_a_script_ends_as_its_command_does(
    monkeypatch: pytest.MonkeyPatch, main: Any, code: Any
) -> None:
    modules = {"switchover.commands.test": SimpleNamespace(main=main)}
    monkeypatch.setattr(bootstrap, "enter", lambda: None)
    monkeypatch.setattr(importlib, "import_module", modules.__getitem__)
    with pytest.raises(SystemExit) as caught:
        bootstrap.run("test")
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("script", "error"),
    [("exit 0", ""), ("echo 'W: old' >&2", ""), ("echo 'E: no' >&2; exit 100", "no")],
)
def test_why_apt_has_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, error: str
) -> None:
    apt = tmp_path / "apt-get"
    apt.write_text(f"#!/bin/sh\n{script}\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert bootstrap.apt_get("update") == error


@pytest.mark.usefixtures("project")
def test_a_changed_pin_makes_the_venv_stale(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pins = tmp_path / "requirements.txt"
    pins.write_text("rich==1\n")
    monkeypatch.setattr(bootstrap, "REQUIREMENTS", pins)
    paths.VENV.mkdir()
    (paths.VENV / "stamp").write_text(bootstrap.venv_key())
    assert bootstrap.venv_is_ready()
    pins.write_text("rich==2\n")
    assert not bootstrap.venv_is_ready()


def test_an_old_python_says_that_it_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(MissingTool, match=r"3\.11 or newer is needed, this is 3\.9"):
        bootstrap.enter()


def test_it_needs_nothing_but_the_standard_library() -> None:
    harness = str(bootstrap.REQUIREMENTS.parent)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import switchover.core.bootstrap"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", program, harness], check=True)
