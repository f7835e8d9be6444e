# SPDX-License-Identifier: GPL-2.0-or-later
"""What can go wrong, each with its own exit code and one sentence for the user."""

from __future__ import annotations

import errno
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

INTERRUPTED = 130


class HarnessError(Exception):
    """An error whose text is one sentence that says what to do.

    Exit code 1 is a verdict (a scenario or a test did not end as declared) and
    2 a usage error, so neither is used here.
    """

    exit_code: int

    def __init_subclass__(cls, exit_code: int) -> None:
        cls.exit_code = exit_code


class MissingTool(HarnessError, exit_code=10):
    """A program or package that is needed is not installed."""


class SourceUnavailable(HarnessError, exit_code=11):
    """A source or a package could not be got from anywhere."""


class WrongTree(HarnessError, exit_code=12):
    """A source tree is not the one that was expected, or was edited."""


class BuildFailed(HarnessError, exit_code=13):
    """configure or the compiler failed."""


class DiskFull(HarnessError, exit_code=14):
    """There is no room for what has to be written."""


class Busy(HarnessError, exit_code=15):
    """Another run is doing the same work."""


class PatchFailed(HarnessError, exit_code=16):
    """A patch of the series does not apply."""


class GuestFailed(HarnessError, exit_code=17):
    """The guest could not be made, or did not reach its marker."""


class VMLost(HarnessError, exit_code=18):
    """QEMU did not start, or QMP was lost where that is no verdict."""


class NotReady(HarnessError, exit_code=19):
    """The series is not ready to be sent, or a rebase of it waits for its user."""


class WrongRange(HarnessError, exit_code=22):
    """There is nothing to bisect between the revisions that were given."""


def first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error of several tasks to tell of: the first that has a sentence, if any."""
    known = group.subgroup(HarnessError) or group
    one = known.exceptions[0]
    return first(one) if isinstance(one, BaseExceptionGroup) else one


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def main_guard(main: Callable[[], int | None]) -> int:
    """Run main() and return the exit code, with one sentence for known errors.

    Unexpected exceptions pass through: their traceback is what is needed then.
    """
    # Without this SIGTERM skips every "finally", and children are left behind.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return main() or 0
    except HarnessError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        sentence = "interrupted; nothing is half-written, run it again"
        return _fail(sentence, INTERRUPTED)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        where = f" while writing {error.filename}" if error.filename else ""
        return _fail(
            f"the disk is full{where}; free some space and run it again",
            DiskFull.exit_code,
        )


def _fail(sentence: str, exit_code: int) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return exit_code
