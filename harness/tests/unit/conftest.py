# SPDX-License-Identifier: GPL-2.0-or-later
"""Each test gets a project of its own: nothing below build/ is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchover.core import paths


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
    }
    for name, path in places.items():
        monkeypatch.setattr(paths, name, path)
    build.mkdir()
    paths.PATCHES.mkdir()
    (paths.PATCHES / "series").touch()
    return tmp_path
