# SPDX-License-Identifier: GPL-2.0-or-later
"""Files and folders that are made anew: whole, or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def fresh(target: Path) -> Iterator[Path]:
    """A path of the same name at which to make what becomes `target` at the end.

    It is a file or a folder. If the block fails, a target that was there is as it
    was and nothing else is left. A folder can't replace one that is there.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".", dir=target.parent) as folder:
        made = Path(folder) / target.name
        yield made
        made.replace(target)


def empty(folder: Path) -> Path:
    """Make an empty folder; what one of this name has is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def digest(path: Path) -> str:
    """The SHA-256 of all that is in a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(target: Path, text: str) -> None:
    """Write a text file."""
    with fresh(target) as made:
        made.write_text(text)


def write_json(target: Path, data: object) -> None:
    """Write data as JSON."""
    write(target, json.dumps(data, indent=1) + "\n")
