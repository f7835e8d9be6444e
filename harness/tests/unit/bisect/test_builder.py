# SPDX-License-Identifier: GPL-2.0-or-later
"""How a revision is built, with which Python, and what is kept of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fake_bisect import source

from switchover.bisect import (
    builder,
    folders,
    python2,
    recipe,
    store,
)
from switchover.bisect.examine import Examiner
from switchover.bisect.repository import Repository
from switchover.core import bootstrap, debian, paths
from switchover.core.command import CommandFailed, run
from switchover.core.errors import (
    BuildFailed,
    MissingTool,
    SourceUnavailable,
)
from switchover.core.progress import Progress
from switchover.qemu import firmware
from switchover.qemu.build import Build

pytestmark = pytest.mark.usefixtures("project")


@pytest.fixture
def old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python2, "ensure", lambda: Path("/old/python"))


@pytest.mark.usefixtures("old_python")
def test_an_old_tree_is_made_with_make_and_python_2() -> None:
    text = f"--disable-gtk) x;; --disable-gtkabi-z) # {recipe.NO_PYTHON_3}"
    found = recipe.of(source(configure=text, Makefile="subdir-%:\n"))
    assert found.is_old
    assert found.targets == ("subdir-x86_64-softmmu", "qemu-img")
    assert "--python=/old/python" in found.options
    assert "--disable-gtk" in found.options
    assert "--disable-gtkabi" not in found.options
    assert recipe.needs_python2(text)


def test_memfd_create_is_kept_apart_where_qemu_has_its_own() -> None:
    assert "memfd_create" in recipe.header(source(configure="#include <sys/memfd.h>"))
    assert recipe.header(source(configure="#include <sys/mman.h>")) == ""


def test_a_tree_in_between_is_made_with_make_and_python_3() -> None:
    found = recipe.of(source(configure="--disable-sdl) x", Makefile="%/all:\n"))
    assert found.program[0] == "make"
    assert found.targets[0] == "x86_64-softmmu/all"
    assert recipe.python3() in found.options


def test_a_new_tree_is_made_with_ninja() -> None:
    text = "--without-default-features) --meson=*) --disable-gtk)"
    found = recipe.of(source(configure=text, meson_build=""))
    assert found.program == ("ninja",)
    assert "--without-default-features" in found.options
    assert any(option.startswith("--meson=") for option in found.options)
    assert "--disable-gtk" not in found.options


def test_python_2_that_can_not_be_had_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*_: object) -> None:
        raise SourceUnavailable("no network")

    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(debian, "download_packages", unavailable)
    with pytest.raises(MissingTool, match="Python 2.7.*no network.*PATH"):
        python2.ensure()


def test_a_stand_in_for_python_2_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand_in = tmp_path / "python2"
    stand_in.write_text("#!/bin/sh\nexit 127\n")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    (paths.CACHE / "python2").mkdir(parents=True)
    assert python2.ensure() == paths.CACHE / "python2" / python2.PROGRAM


def test_what_an_earlier_build_left_is_made_anew_if_it_is_in_the_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries = []

    def build(_made: object, _progress: object, reused: bool) -> Build:
        tries.append(reused)
        if reused:
            raise BuildFailed("stale")
        return Build("bisect", folders.build())

    monkeypatch.setattr(builder, "_build", build)
    monkeypatch.setattr(builder, "_is_reusable", lambda _: True)
    source(configure="", meson_build="")
    builder.build(Progress())
    assert tries == [True, False]
    builder.build(Progress(), fresh=True)
    assert tries[2:] == [False]


@pytest.mark.parametrize("needed", [True, False])
def test_libfdt_is_installed_where_it_is_needed(
    monkeypatch: pytest.MonkeyPatch, needed: bool
) -> None:
    installed: list[str] = []
    monkeypatch.setattr(bootstrap, "missing_packages", list)
    monkeypatch.setattr(bootstrap, "install", installed.extend)
    target = folders.source() / builder.TARGET
    target.parent.mkdir(parents=True)
    target.write_text(builder.NEEDS_FDT if needed else "")
    builder._provide_fdt()
    assert installed == ([builder.FDT] if needed else [])


def made_of(project: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Build, str]:
    """Programs that were just built, and the name that they are kept by."""
    monkeypatch.setattr(firmware, "link", lambda _: None)
    folder = project / "made"
    folder.mkdir()
    build = Build("bisect", folder)
    for program in (build.system, build.img):
        shutil.copy("/bin/true", program)
    plan = recipe.of(source(configure="", meson_build=""))
    return build, store.key("tree", plan)


def test_programs_are_kept_by_what_they_are_made_of(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build, name = made_of(project, monkeypatch)
    assert store.find(name, fresh=False) is None
    kept = store.keep(name, build, fresh=False)
    assert kept.system.stat().st_mode & 0o111
    assert store.find(name, fresh=False) == kept
    assert store.key("other", builder.plan()) != name
    # What is compared has to have been built from nothing.
    assert store.find(name, fresh=True) is None
    store.keep(name, build, fresh=True)
    assert store.find(name, fresh=True) == kept


def test_programs_that_could_not_be_kept_are_not_there(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build, name = made_of(project, monkeypatch)
    build.img.unlink()
    with pytest.raises(CommandFailed):
        store.keep(name, build, fresh=True)
    assert store.find(name, fresh=False) is None


def test_a_digest_is_of_what_is_not_for_debuggers(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built, _ = made_of(project, monkeypatch)
    examiner = Examiner(Repository(project), "ready-mirror", Progress())
    digest = examiner.digest(built)
    run("objcopy", "--strip-all", built.system)
    assert examiner.digest(built) == digest
    shutil.copy("/bin/cat", built.system)
    assert examiner.digest(built) != digest
