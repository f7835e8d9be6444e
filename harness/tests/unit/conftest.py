# SPDX-License-Identifier: GPL-2.0-or-later
"""Each test gets a project of its own: nothing below build/ is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
import toy_series
from project import patch, write_series

from switchover.core import paths
from switchover.qemu import source


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project below tmp_path, with an empty series."""
    build = tmp_path / "build"
    places = {
        "ROOT": tmp_path,
        "PATCHES": tmp_path / "patches",
        "IOTESTS": tmp_path / "iotests",
        "SUBMODULE": tmp_path / "qemu",
        "BUILD": build,
        "VENV": build / "venv",
        "CACHE": build / "cache",
        "LOGS": build / "logs",
        "GUEST": build / "guest",
    }
    for name, path in places.items():
        monkeypatch.setattr(paths, name, path)
    build.mkdir()
    paths.PATCHES.mkdir()
    (paths.PATCHES / "series").touch()
    return tmp_path


@pytest.fixture
def toy(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose QEMU is a few files, with a series of one patch."""
    monkeypatch.setattr(source, "unpack", toy_series.write)
    write_series(**{"0001-first": patch("first", "two", "2")})
    return project
