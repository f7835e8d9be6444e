# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import subprocess
import sys

import pytest

from switchover.core import bootstrap, command, paths
from switchover.core.errors import MissingTool, SourceUnavailable


def test_only_what_is_not_installed_is_missing():
    packages = ["dpkg", "no-such-package-at-all"]
    assert bootstrap.missing_packages(packages) == ["no-such-package-at-all"]


def test_without_root_one_sentence_names_the_packages(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(MissingTool) as caught:
        bootstrap.install(["flex", "bison"])
    assert str(caught.value) == (
        "these Debian packages are missing: flex bison; "
        "as root run: apt-get install flex bison"
    )


@pytest.mark.usefixtures("project")
def test_lists_are_updated_once_before_it_gives_up(monkeypatch):
    verbs = []

    def no_network(verb, *_packages):
        verbs.append(verb)
        return "Could not resolve"

    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(bootstrap, "apt_get", no_network)
    with pytest.raises(SourceUnavailable, match=r"flex \(Could not resolve\)"):
        bootstrap.install(["flex"])
    assert verbs == ["install", "update", "install"]


@pytest.mark.usefixtures("project")
def test_a_venv_that_could_not_be_filled_is_made_again(monkeypatch):
    def no_network(*arguments):
        if "pip" in arguments:
            # A package that is not the one that was pinned is none of ours.
            assert "--require-hashes" in arguments
            raise command.CommandFailed("No matching distribution")

    monkeypatch.setattr(command, "run", no_network)
    with pytest.raises(SourceUnavailable, match="No matching distribution"):
        bootstrap.make_venv()
    assert not bootstrap.venv_is_ready()


@pytest.mark.usefixtures("project")
def test_a_changed_pin_makes_the_venv_stale(monkeypatch, tmp_path):
    pins = tmp_path / "requirements.txt"
    pins.write_text("rich==1\n")
    monkeypatch.setattr(bootstrap, "REQUIREMENTS", pins)
    paths.VENV.mkdir()
    (paths.VENV / "stamp").write_text(bootstrap.venv_key())
    assert bootstrap.venv_is_ready()
    pins.write_text("rich==2\n")
    assert not bootstrap.venv_is_ready()


def test_an_old_python_says_that_it_is_too_old(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(MissingTool, match=r"3\.11 or newer is needed, this is 3\.9"):
        bootstrap.enter()


def test_it_needs_nothing_but_the_standard_library():
    harness = str(bootstrap.REQUIREMENTS.parent)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import switchover.core.bootstrap"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", program, harness], check=True)
