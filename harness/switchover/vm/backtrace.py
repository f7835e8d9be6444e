# SPDX-License-Identifier: GPL-2.0-or-later
"""Where all threads of a process are, by gdb."""

from __future__ import annotations

import asyncio
from pathlib import Path

SECONDS = 60


def command(pid: int) -> list[str]:
    """What writes it to its stdout; if there is no gdb, that."""
    gdb = ("gdb", "-batch", "-p", str(pid), "-ex", "thread apply all bt")
    return ["timeout", str(SECONDS), *gdb]


async def write(pid: int, path: Path) -> None:
    """Write it to a file."""
    with path.open("wb") as file:
        gdb = await asyncio.create_subprocess_exec(
            *command(pid), stdin=asyncio.subprocess.DEVNULL, stdout=file, stderr=file
        )
        await gdb.wait()
