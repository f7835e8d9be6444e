# SPDX-License-Identifier: GPL-2.0-or-later
"""One run at a time for what can't be shared."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from . import paths
from .errors import Busy


@contextmanager
def exclusive(name: str, doing: str) -> Iterator[None]:
    """Hold build/<name>.lock; `doing` completes "another run is ...".

    The kernel drops the lock with the process, so a killed run leaves nothing
    to clean up. Raises Busy at once when another process holds it.
    """
    path = paths.BUILD / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            pid = file.read().strip() or "unknown"
            raise Busy(
                f"another run (pid {pid}) is {doing}; wait for it to finish"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
