# SPDX-License-Identifier: GPL-2.0-or-later
"""`git bisect run`: started, watched, and what it found."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ..core import paths
from ..core.command import start, stopping
from ..core.errors import HarnessError
from ..core.git import SETTINGS, git
from . import git_step
from .question import Question

HARNESS = paths.ROOT / "harness"
STEP = [sys.executable, "-m", "switchover.bisect.git_step"]
FOUND = re.compile(r"^([0-9a-f]{40,64}) is the first \S+ commit$", re.MULTILINE)
COMMIT = re.compile(r"^([0-9a-f]{40,64})$", re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """The first commit, or those that it may be where steps had to be skipped.

    `log` is git's own, for `git bisect replay`.
    """

    first: str | None
    candidates: tuple[str, ...]
    log: str


class Stopped(HarnessError, exit_code=1):
    """A step has stopped the bisection; the exit code is that of its reason."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def run(asked: Question, worktree: Path, command: Sequence[str] = STEP) -> Answer:
    """Bisect; `command` answers by its exit code. Raises Stopped."""
    # git lets nobody use its own two words the other way round.
    terms = ("broken", "cured") if asked.cures else ("good", "bad")
    names = [f"--term-old={terms[0]}", f"--term-new={terms[1]}"]
    ends = [asked.new, asked.old, "--", *asked.paths]
    git(worktree, "bisect", "start", "--no-checkout", *names, *ends)
    output = _run(worktree, command)
    log = git(worktree, "bisect", "log")
    found = FOUND.search(output)
    if found:
        return Answer(found[1], (), log)
    # git lists them, a line each, when only skipped ones are left.
    candidates = tuple(dict.fromkeys(COMMIT.findall(output)))
    if not candidates:
        raise _stopped(output)
    return Answer(None, candidates, log)


def _run(worktree: Path, command: Sequence[str]) -> str:
    """Let git call the command until it is done; what git said."""
    git_step.trouble_file().unlink(missing_ok=True)
    settings = chain(*(("-c", f"{name}={value}") for name, value in SETTINGS.items()))
    environment = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "PYTHONPATH": str(HARNESS),
    }
    whole = ["git", *settings, "bisect", "run", *command]
    with start(*whole, cwd=worktree, env=environment) as process, stopping(process):
        output, _ = process.communicate()
        return output


def _stopped(output: str) -> Stopped:
    try:
        return Stopped(**json.loads(git_step.trouble_file().read_text()))
    except FileNotFoundError:
        last = (output.strip().splitlines() or ["it said nothing"])[-1]
        sentence = f"git bisect run ended without an answer ({last}); run it again"
        return Stopped(sentence, 1)
