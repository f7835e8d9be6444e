# SPDX-License-Identifier: GPL-2.0-or-later
"""A examiner that builds nothing: a file of the commit says how it does.

Run as a program it is the step that `git bisect run` calls; its argument is the
project's build folder.
"""

from __future__ import annotations

import errno
import sys
from pathlib import Path

from switchover.bisect import folders, git_step
from switchover.bisect.examine import Examiner
from switchover.bisect.outcome import BAD, GOOD, SKIP, Outcome
from switchover.bisect.repository import Repository
from switchover.core import paths
from switchover.core.errors import BuildFailed
from switchover.core.git import git
from switchover.core.progress import Progress
from switchover.qemu.build import Build

# In a commit: how it does, in the words that are understood below.
STATE = "state"
# In the project: what a test wants of all commits, as long as the file is there.
FULL, INTERRUPT = "full", "interrupt"


class FakeExaminer(Examiner):
    """Notes each commit that it builds in the file "built" of the home."""

    def build(self, commit: str, fresh: bool) -> Build:
        directory = self.repository.directory
        state = git(directory, "show", f"{commit}:{STATE}").split()[0]
        _note("built", self.repository.subject(commit))
        _interfere()
        if state == "broken":
            raise BuildFailed("a semicolon is missing")
        if state == "boom":
            raise ValueError("nobody thought of this")
        return Build(state, directory)

    def run(self, build: Build) -> Outcome:
        answers = {
            "good": Outcome(GOOD, "completed"),
            "bad": Outcome(BAD, "crash: a"),
            "same": Outcome(BAD, "crash: a"),
            "skip": Outcome(SKIP, "hang"),
        }
        if build.name == "seldom":
            # One run of ten is bad: the second, if any.
            is_second = len(_note("seldom", "run")) % 10 == 2
            return answers["bad" if is_second else "good"]
        return answers[build.name]

    def digest(self, build: Build) -> str:
        return "good" if build.name == "same" else build.name


def examiner(directory: Path) -> FakeExaminer:
    return FakeExaminer(Repository.at(directory), "throttled-mirror", Progress())


def noted(name: str) -> list[str]:
    """The lines that were noted in a file."""
    file = folders.home() / name
    return file.read_text().splitlines() if file.exists() else []


def wish(name: str) -> Path:
    """The file that stands for what a test wants."""
    return folders.home() / name


def _note(name: str, line: str) -> list[str]:
    with open(folders.home() / name, "a") as file:
        file.write(line + "\n")
    return noted(name)


def _interfere() -> None:
    """Do what a test wants of the third commit that is built."""
    if len(noted("built")) < 3:
        return
    if wish(FULL).exists():
        raise OSError(errno.ENOSPC, "No space left on device")
    if wish(INTERRUPT).exists():
        raise KeyboardInterrupt


if __name__ == "__main__":
    paths.BUILD = Path(sys.argv[1])
    sys.exit(git_step.main(FakeExaminer))
