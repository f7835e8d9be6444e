# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import pytest
from project import commit, repository

from switchover.core import paths
from switchover.core.errors import SourceUnavailable, WrongTree
from switchover.core.git import git, head
from switchover.qemu import source


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small Debian source package, whose digests are expected."""
    tree = tmp_path / "make" / "toy-1"
    (tree / "debian" / "source").mkdir(parents=True)
    (tree / "debian" / "source" / "format").write_text("3.0 (native)\n")
    (tree / "debian" / "control").write_text(
        "Source: toy\nMaintainer: me <m@e.org>\n\nPackage: toy\nArchitecture: all\n"
        "Description: short\n"
    )
    (tree / "debian" / "changelog").write_text(
        "toy (1) sid; urgency=low\n\n  * one\n\n"
        " -- me <m@e.org>  Thu, 01 Jan 2026 00:00:00 +0000\n"
    )
    (tree / "block.c").write_text("one\ntwo\nthree\n")
    for wrap in source.WRAPS:
        (tree / "subprojects" / wrap).mkdir(parents=True)
        (tree / "subprojects" / wrap / "meson.build").write_text(wrap)
    command = ["dpkg-source", "--build", tree.name]
    subprocess.run(command, cwd=tree.parent, check=True, capture_output=True)
    files = [file for file in tree.parent.iterdir() if file.is_file()]
    digests = {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
    monkeypatch.setattr(source, "SHA256", digests)
    monkeypatch.setattr(source, "DSC", "toy_1.dsc")
    return tree.parent


@pytest.fixture
def no_debian(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose Debian mirror can't be reached."""

    def unreachable(*_: Any) -> None:
        raise SourceUnavailable("no mirror")

    monkeypatch.setattr("switchover.core.debian.download_source", unreachable)
    monkeypatch.delenv(source.CACHE_VARIABLE, raising=False)


@pytest.fixture
def cached(package: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The source package, which can be had from a folder alone."""
    monkeypatch.setenv(source.CACHE_VARIABLE, str(package))
    return package


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that stands in for upstream's, at the wanted commit."""
    tree = repository(tmp_path / "upstream")
    monkeypatch.setattr(source, "COMMIT", head(tree))
    return tree


def check_out(upstream: Path) -> None:
    git(paths.ROOT, "clone", "--quiet", upstream, paths.SUBMODULE)


def test_debians_package_comes_before_the_cache(
    project: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("switchover.core.debian.download_source", lambda *_: package)
    monkeypatch.setenv(source.CACHE_VARIABLE, "/nowhere")
    origin = source.unpack(project / "tree")
    assert origin.startswith("Debian's source package")
    assert (project / "tree" / "block.c").is_file()
    assert not (project / "tree" / "debian").exists()


@pytest.mark.usefixtures("no_debian")
def test_the_cache_is_the_last_resort(
    project: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(source.CACHE_VARIABLE, str(package))
    assert source.unpack(project / "tree") == "cache folder"
    assert (project / "tree" / "block.c").is_file()


@pytest.mark.usefixtures("no_debian")
def test_a_wrong_digest_is_refused(project: Path, cached: Path) -> None:
    with (cached / "toy_1.tar.xz").open("ab") as file:
        file.write(b"x")
    with pytest.raises(SourceUnavailable, match=r"toy_1.tar.xz has the wrong digest"):
        source.unpack(project / "tree")
    assert not (project / "tree").exists()


def test_a_bad_download_is_not_kept(
    project: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (package / "toy_1.tar.xz").write_bytes(b"x")
    monkeypatch.setattr("switchover.core.debian.download_source", lambda *_: package)
    with pytest.raises(SourceUnavailable, match="wrong digest"):
        source.unpack(project / "tree")
    assert not package.exists()


@pytest.mark.usefixtures("no_debian")
def test_without_a_source_all_tries_are_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(source.CACHE_VARIABLE, "/nowhere")
    with pytest.raises(SourceUnavailable) as caught:
        source.unpack(project / "tree")
    sentence = str(caught.value)
    assert "(1) submodule qemu/: this is not a git clone that has it" in sentence
    assert "(2) Debian's source package qemu 1:10.2.2+ds-1: no mirror" in sentence
    assert "(3) cache folder: /nowhere/" in sentence
    assert "name it in QEMU_SOURCE_CACHE" in sentence


@pytest.mark.usefixtures("no_debian", "cached")
def test_the_submodule_comes_first_and_is_not_written_to(
    project: Path, upstream: Path
) -> None:
    check_out(upstream)
    before = {
        path: path.stat().st_mtime_ns for path in sorted(paths.SUBMODULE.rglob("*"))
    }
    assert source.unpack(project / "tree") == "submodule qemu/"
    wrap = project / "tree" / "subprojects" / source.WRAPS[0] / "meson.build"
    assert wrap.read_text() == source.WRAPS[0]
    assert (project / "tree" / "block.c").is_file()
    assert before == {
        path: path.stat().st_mtime_ns for path in sorted(paths.SUBMODULE.rglob("*"))
    }


@pytest.mark.usefixtures("no_debian")
def test_a_submodule_without_its_subprojects_is_no_source(
    project: Path, upstream: Path
) -> None:
    check_out(upstream)
    with pytest.raises(SourceUnavailable, match="it lacks keycodemapdb"):
        source.unpack(project / "tree")


@pytest.mark.usefixtures("no_debian", "cached")
def test_an_edited_submodule_is_refused(project: Path, upstream: Path) -> None:
    check_out(upstream)
    (paths.SUBMODULE / "block.c").write_text("edited\n")
    with pytest.raises(WrongTree, match=r"qemu/ was edited \(block.c\)"):
        source.unpack(project / "tree")


@pytest.mark.usefixtures("no_debian", "cached")
def test_a_submodule_at_another_commit_is_refused(
    project: Path, upstream: Path
) -> None:
    check_out(upstream)
    commit(paths.SUBMODULE, "block.c", "newer\n", "second")
    with pytest.raises(WrongTree, match="git submodule update qemu"):
        source.unpack(project / "tree")


@pytest.fixture
def outer(project: Path, upstream: Path) -> Path:
    """The project as a clone with a submodule entry that is not checked out."""
    url = upstream.as_uri()
    git(project, "init", "--quiet")
    git(project, "config", "protocol.file.allow", "always")
    (project / ".gitmodules").write_text(
        f'[submodule "qemu"]\n\tpath = qemu\n\turl = {url}\n'
    )
    entry = f"160000,{source.COMMIT},qemu"
    git(project, "update-index", "--add", "--cacheinfo", entry)
    return project


@pytest.mark.usefixtures("no_debian", "cached")
def test_a_submodule_is_checked_out_if_it_can_be(
    outer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # git refuses file: URLs of submodules; upstream's is none.
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "file")
    assert source.unpack(outer / "tree") == "submodule qemu/"


@pytest.mark.usefixtures("no_debian", "cached")
def test_a_failed_check_out_leaves_the_submodule_empty(
    outer: Path, upstream: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "file")
    upstream.rename(upstream.with_name("gone"))
    assert source.unpack(outer / "tree") == "cache folder"
    assert not list(paths.SUBMODULE.iterdir())


@pytest.mark.usefixtures("package", "no_debian")
def test_an_unreachable_host_is_not_waited_for(outer: Path) -> None:
    gitmodules = outer / ".gitmodules"
    url = "https://127.0.0.1:9/qemu.git"
    gitmodules.write_text(f'[submodule "qemu"]\n\tpath = qemu\n\turl = {url}\n')
    with pytest.raises(SourceUnavailable, match=r"127.0.0.1 can't be reached"):
        source.unpack(outer / "tree")
