# SPDX-License-Identifier: GPL-2.0-or-later
"""The path of a Unix socket, which has to be short (unix(7): 108 bytes)."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def short(folder: Path, name: str) -> Iterator[str]:
    """A path to socket `name` in `folder`, for as long as it is needed to use it.

    Raises OSError if there is no such folder.
    """
    descriptor = os.open(folder, os.O_PATH)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def connected(folder: Path, name: str, seconds: float) -> Iterator[socket.socket]:
    """A connection to it whose every step may take that long; raises OSError."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        with short(folder, name) as path:
            connection.connect(path)
        yield connection
