# SPDX-License-Identifier: GPL-2.0-or-later
"""An examiner that builds nothing: a file of the commit says how it does.

Run as a program it is the step that `git bisect run` calls; its argument is the
project's build folder.
"""

from __future__ import annotations

import errno
import sys
from pathlib import Path

from project import commit

from switchover.bisect import folders, git_step, session
from switchover.bisect.examine import Examiner
from switchover.bisect.outcome import BAD, GOOD, SKIP, CommitResult, Outcome
from switchover.bisect.question import Question
from switchover.bisect.repository import Repository
from switchover.bisect.session import Conclusion
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
    """Notes each commit that it builds in the file "built" of the home.

    One that it builds from nothing is noted in the file "fresh", too.
    """

    def build(self, commit: str, fresh: bool) -> Build:
        directory = self.repository.directory
        state = git(directory, "show", f"{commit}:{STATE}").split()[0]
        for name in ("built", "fresh")[: 1 + fresh]:
            _note(name, self.repository.subject(commit))
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


def history(*states: str) -> Path:
    """A repository with a commit for each state, called by its number."""
    directory = paths.ROOT / "clone"
    directory.mkdir()
    git(directory, "init", "--quiet", "--initial-branch=main")
    for number, state in enumerate(states):
        # The number makes each differ from the one before.
        commit(directory, STATE, f"{state} {number}\n", f"{number}")
    return directory


def bisect(
    directory: Path,
    last: int,
    cures: bool = False,
    repeat: int = 1,
    within: tuple[str, ...] = (),
) -> Conclusion:
    """Bisect from commit 0 to the newest, which is number `last`."""
    ends = f"HEAD~{last}", "HEAD"
    asked = session.checked(
        Question(str(directory), *ends, cures, "throttled-mirror", repeat, within)
    )
    command = [sys.executable, __file__, str(paths.BUILD)]
    return session.run(asked, examiner(directory), command)


def named(conclusion: Conclusion) -> CommitResult:
    """The first commit."""
    assert conclusion.first
    return conclusion.first


def source(**files: str) -> Path:
    """Files of a revision; "__" in a name is "/", "_" is "."."""
    for name, text in files.items():
        file = folders.source() / name.replace("__", "/").replace("_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folders.source()


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
