# SPDX-License-Identifier: GPL-2.0-or-later
"""A program and all that it starts: nothing of it is left over, however it ends.

A daemon leaves its process group and its parent, but not its environment. So each
run is marked there with a folder of its own, which is also where sockets go: their
paths have to be short.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from .command import inherited

MARK = "SOCK_DIR"
END_SECONDS = 10.0
PROC = Path("/proc")


async def run(
    command: list[str | Path],
    folder: Path,
    log: Path,
    deadline: float,
    env: Mapping[str, str] | None = None,
) -> int | None:
    """Run a program in `folder`; its exit code, or None if it does not end.

    `deadline` is in seconds. All output goes to `log`. SOCK_DIR names a folder that
    is removed afterwards.
    """
    with TemporaryDirectory(prefix="iotests-") as sockets, log.open("wb") as file:
        process = None
        try:
            async with asyncio.timeout(deadline):
                process = await asyncio.create_subprocess_exec(
                    *map(str, command),
                    cwd=folder,
                    env={**inherited(), **(env or {}), MARK: sockets},
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    # Ctrl-C is for us, and we end the program.
                    start_new_session=True,
                )
                return await process.wait()
        except TimeoutError:
            return None
        finally:
            end(sockets)
            if process:
                await process.wait()


def end(sockets: str) -> None:
    """Kill every process that carries this mark, also those only now started.

    One that the kernel does not let go within END_SECONDS is left to it.
    """
    deadline = time.monotonic() + END_SECONDS
    while (found := marked(sockets)) and time.monotonic() < deadline:
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def marked(sockets: str) -> list[int]:
    """The processes whose SOCK_DIR is `sockets`, or below it."""
    mark = f"{MARK}={sockets}".encode()
    found = []
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                variables = (entry / "environ").read_bytes().split(b"\0")
                if any(v == mark or v.startswith(mark + b"/") for v in variables):
                    found.append(int(entry.name))
    return found
