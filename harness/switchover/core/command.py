# SPDX-License-Identifier: GPL-2.0-or-later
"""A program that is run to its end, and why it failed if it did."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from .errors import MissingTool

STOP_SECONDS = 5.0
# Set when a hook of the outer repository runs us; they win over a folder.
OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
NO_SPACE = os.strerror(errno.ENOSPC)


class CommandFailed(Exception):
    """It failed; str() is its reason. Callers turn it into what it means there."""


def run(
    *command: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    deadline: float | None = None,
) -> str:
    """Run a program and return its stdout; `deadline` is in seconds.

    Raises CommandFailed, MissingTool, and OSError (ENOSPC) when the program
    complains of a full disk, just as if we had written ourselves.
    """
    process = start(*command, cwd=cwd, env=env, stderr=subprocess.PIPE)
    output, errors = _said(process, deadline)
    if process.returncode:
        raise_failure(errors)
    return output


def outcome(
    *command: str | Path,
    cwd: Path,
    deadline: float,
    env: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """The exit code of a program, and all that it says; `deadline` is in seconds.

    Raises CommandFailed when it does not end, and MissingTool.
    """
    process = start(*command, cwd=cwd, env=env, stderr=subprocess.STDOUT)
    said, _ = _said(process, deadline)
    return process.returncode, said


def _said(process: subprocess.Popen[str], deadline: float | None) -> tuple[str, str]:
    """All that a program writes to stdout and stderr until it ends."""
    with stopping(process):
        try:
            return process.communicate(timeout=deadline)
        except subprocess.TimeoutExpired:
            raise CommandFailed(f"no end after {deadline:.0f} s") from None


def start(
    *command: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stderr: int | None = None,
) -> subprocess.Popen[str]:
    """Start a program that speaks English, in a session of its own.

    Its stdout is a pipe. Raises MissingTool.
    """
    try:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env={**inherited(), **(env or {}), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except FileNotFoundError as error:
        if str(error.filename) != str(command[0]):
            raise
        raise MissingTool(f"{command[0]} is not installed; install it") from None


def inherited() -> dict[str, str]:
    """Our environment, for a program; a git that it runs looks for its own tree."""
    return {k: v for k, v in os.environ.items() if k not in OF_A_HOOK}


@contextmanager
def stopping(process: subprocess.Popen[str]) -> Iterator[None]:
    """End a program, and all that it started, if the block is left by an error.

    The program has to lead a session of its own. It is asked first, so that it
    can remove its lock and temporary files.
    """
    try:
        yield
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        raise


def raise_failure(errors: str) -> NoReturn:
    """Raise what a failed program's stderr says: OSError or CommandFailed."""
    if NO_SPACE in errors:
        raise OSError(errno.ENOSPC, NO_SPACE)
    raise CommandFailed(reason(errors))


def reason(errors: str) -> str:
    """The line of a program's stderr that says most: its first error, or its last."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    marked = ("E: ", "ERROR: ", "error: ", "fatal: ")
    for line in lines:
        for mark in marked:
            if line.startswith(mark):
                return line[len(mark) :]
    return lines[-1] if lines else "it gave no reason"
