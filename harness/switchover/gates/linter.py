# SPDX-License-Identifier: GPL-2.0-or-later
"""A program that exits with 0 if it has nothing to complain of."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SECONDS = 300


def complaints(command: list[str | Path], cwd: Path, **env: str) -> list[str]:
    """What it says, by lines, unless it is content; a program that can't run isn't."""
    try:
        ended = subprocess.run(
            command,
            check=False,
            cwd=cwd,
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [str(error)]
    said = [*ended.stdout.splitlines(), f"exit code {ended.returncode}"]
    return said if ended.returncode else []
