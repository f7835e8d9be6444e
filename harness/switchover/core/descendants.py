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
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from .command import inherited

MARK = "SOCK_DIR"
END_SECONDS = 10.0
PROC = Path("/proc")


@dataclass(frozen=True)
class Ended:
    """What became of a program; `hang` says that it did not end, else it is ""."""

    code: int
    hang: str
    seconds: float
    log: Path

    @property
    def text(self) -> str:
        """All that it said."""
        return self.log.read_text(errors="replace")


async def run(
    command: list[str | Path],
    folder: Path,
    log: Path,
    deadline: float,
    env: Mapping[str, str] | None = None,
) -> Ended:
    """Run a program in `folder`, for `deadline` seconds at most.

    All output goes to `log`. SOCK_DIR names a folder that is removed afterwards.
    """
    start = time.monotonic()
    hang = ""
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
                code = await process.wait()
        except TimeoutError:
            code, hang = -signal.SIGKILL, f"no end after {deadline:.0f} s"
        finally:
            end(sockets)
            if process:
                await process.wait()
    return Ended(code, hang, time.monotonic() - start, log)


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
