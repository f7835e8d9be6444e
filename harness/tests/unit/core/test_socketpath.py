# SPDX-License-Identifier: GPL-2.0-or-later
"""A socket is reached wherever its folder is."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from switchover.core.socketpath import connected, short


def test_a_path_that_is_too_long_for_a_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        with short(folder, "name") as path:
            server.bind(path)
        server.listen()
        with connected(folder, "name", seconds=10) as client:
            peer, _ = server.accept()
            with peer:
                client.sendall(b"x")
                assert peer.recv(1) == b"x"
    assert (folder / "name").exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), short(tmp_path / "gone", "name"):
        pass
