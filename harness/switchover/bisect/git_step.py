# SPDX-License-Identifier: GPL-2.0-or-later
"""What `git bisect run` calls at each step.

It answers by its exit code, for which 1 means "like the new end" and so must
never come about by accident.
"""

from __future__ import annotations

import errno
import json
import signal
import sys
from pathlib import Path
from typing import NoReturn

from ..core.errors import DiskFull, HarnessError
from ..core.git import git
from ..core.progress import Progress
from . import folders, journal, question
from .examine import Examiner, unexpected
from .outcome import SKIP
from .question import Question
from .repository import Repository

LIKE_OLD, LIKE_NEW, CAN_NOT_TELL, STOP = 0, 1, 125, 255


def main(kind: type[Examiner] = Examiner) -> int:
    """The exit code for the commit that git has chosen; 125 whatever goes wrong.

    What would go wrong at every commit ends the bisection: its reason is left
    for the session.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        asked = question.stored()
        if asked is None:
            return STOP
        commit = git(folders.worktree(), "rev-parse", "BISECT_HEAD")
        return _answer(asked, commit, kind)
    except KeyboardInterrupt:
        return STOP
    except Exception as error:  # noqa: BLE001 - see above: 1 is an answer
        reason = _stopper(error)
        if reason is None:
            print(f"unexpected: {error!r}", file=sys.stderr)
            return CAN_NOT_TELL
        _leave(reason)
        return STOP


def _answer(asked: Question, commit: str, kind: type[Examiner]) -> int:
    step = journal.find(commit)
    if step is None:
        repository = Repository(Path(asked.repository))
        examiner = kind(repository, asked.scenario, Progress())
        try:
            step = examiner.examine(commit, "step", asked.repeat)
        except Exception as error:
            if _stopper(error):
                raise
            step = unexpected(commit, repository.subject(commit), error)
        journal.add(step)
    if step.verdict == SKIP:
        return CAN_NOT_TELL
    return LIKE_NEW if step.verdict == asked.expected(is_new=True) else LIKE_OLD


def _leave(reason: HarnessError) -> None:
    """Tell the session; on a full disk there may be no room even for that."""
    trouble = {"exit_code": reason.exit_code, "sentence": str(reason)}
    try:
        trouble_file().write_text(json.dumps(trouble))
    except OSError:
        print(reason, file=sys.stderr)


def trouble_file() -> Path:
    """Where the reason for a stop is left."""
    return folders.home() / "trouble.json"


def _stopper(error: Exception) -> HarnessError | None:
    """What an error says about all commits; None if it says nothing."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return DiskFull("the disk is full; free some space and run it again")
    return error if isinstance(error, HarnessError) else None


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
