# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that are written whole, or not at all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from switchover.core import files

# What is written to it finds no space (full(4)).
FULL = Path("/dev/full")


def test_writes_into_a_folder_that_was_not_there(tmp_path: Path) -> None:
    target = tmp_path / "new" / "file"
    files.write(target, "one\n")
    files.write(target, "two\n")
    assert target.read_text() == "two\n"
    assert list(target.parent.iterdir()) == [target]


def test_writes_data(tmp_path: Path) -> None:
    files.write_json(tmp_path / "data", {"a": [1]})
    assert json.loads((tmp_path / "data").read_text()) == {"a": [1]}


def test_makes_a_folder(tmp_path: Path) -> None:
    with files.fresh(tmp_path / "folder") as made:
        made.mkdir()
        (made / "file").touch()
        assert not (tmp_path / "folder").exists()
    assert (tmp_path / "folder" / "file").exists()


def test_makes_an_empty_folder(tmp_path: Path) -> None:
    for _ in range(2):
        made = files.empty(tmp_path / "new" / "folder")
        assert list(made.iterdir()) == []
        (made / "file").touch()


def test_a_full_disk_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "file"
    target.write_text("before")

    def half(path: Path, text: str) -> None:
        with path.open("w") as file:
            file.write(text[:1])
        with FULL.open("w") as file:
            file.write(text[1:])

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(OSError, match="No space left"):
        files.write(target, "after")
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_block_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), files.fresh(tmp_path / "folder") as made:
        made.mkdir()
        (made / "file").touch()
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_digest_is_of_all_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(1 << 20) + b"x")
    assert files.digest(file) == hashlib.sha256(file.read_bytes()).hexdigest()
