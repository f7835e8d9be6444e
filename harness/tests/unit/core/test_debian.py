# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from switchover.core import debian, paths
from switchover.core.debian import Mirror
from switchover.core.errors import SourceUnavailable

DEB822 = """\
# another project's
Types: deb
URIs: https://example.org/apt
Suites: stable
Components: main

Types: deb
URIs: http://mirror.example.org/debian-security
Suites: bookworm-security
Components: main

Types: deb deb-src
# a comment
URIs: http://mirror.example.org/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
"""


def sources(directory: Path, name: str, text: str) -> Path:
    file = directory / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return directory


def test_deb822_sources(tmp_path: Path) -> None:
    etc = sources(tmp_path, "sources.list.d/debian.sources", DEB822)
    key = "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc"
    mirror = debian.machine_mirror(etc)
    assert mirror == Mirror("http://mirror.example.org/debian", "bookworm", key)


def test_one_line_sources(tmp_path: Path) -> None:
    line = "deb [arch=amd64 signed-by=/k.gpg] https://example.org/debian/ trixie main\n"
    etc = sources(tmp_path, "sources.list", "# deb cdrom:\n" + line)
    mirror = debian.machine_mirror(etc)
    assert mirror == Mirror("https://example.org/debian/", "trixie", "/k.gpg")


def test_a_list_of_mirrors(tmp_path: Path) -> None:
    text = DEB822.replace(
        "http://mirror.example.org/debian\n", "mirror+file:/debian.list\n"
    )
    etc = sources(tmp_path, "sources.list.d/debian.sources", text)
    assert debian.machine_mirror(etc).uri == "mirror+file:/debian.list"


def test_a_disabled_mirror_is_not_used(tmp_path: Path) -> None:
    text = DEB822.replace("Types: deb deb-src", "Enabled: no\nTypes: deb deb-src")
    etc = sources(tmp_path, "sources.list.d/debian.sources", text)
    with pytest.raises(SourceUnavailable, match="no Debian mirror is named"):
        debian.machine_mirror(etc)


def archive(directory: Path, name: str) -> Path:
    """A Debian package with one file."""
    (directory / "DEBIAN").mkdir(parents=True)
    (directory / "DEBIAN" / "control").write_text(
        f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: me <m@e.org>\n"
        "Depends: other (= 1)\nDescription: short\n longer\n"
    )
    (directory / "file").write_text(name)
    made = directory.parent / f"{name}_1_all.deb"
    command = ["dpkg-deb", "--root-owner-group", "--build", str(directory), str(made)]
    subprocess.run(command, check=True, capture_output=True)
    return made


@pytest.fixture
def dead_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mirror that nobody answers for: port 9 of this machine."""
    mirror = Mirror("http://127.0.0.1:9/debian", "bookworm", "")
    monkeypatch.setattr(debian, "machine_mirror", lambda: mirror)


@pytest.mark.usefixtures("project", "dead_network")
def test_what_was_unpacked_once_needs_no_network(tmp_path: Path) -> None:
    target = paths.CACHE / "packages" / "bookworm" / "thing"
    debian.unpack(archive(tmp_path / "thing", "thing"), target)
    assert debian.download_packages(["thing"]) == {"thing": target}
    assert (target / "file").read_text() == "thing"
    assert debian.control(target)["depends"] == "other (= 1)"


@pytest.mark.usefixtures("project", "dead_network")
def test_a_dead_network_is_one_sentence_and_leaves_nothing() -> None:
    with pytest.raises(SourceUnavailable, match=r"apt-get update failed .*network"):
        debian.download_packages(["thing"])
    with pytest.raises(SourceUnavailable, match=r"apt-get update failed .*network"):
        debian.download_source("thing", "1:2", "sid")
    assert not list(paths.CACHE.glob("packages/*/*"))
    assert not list(paths.CACHE.glob("sources/*"))
