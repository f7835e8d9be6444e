# SPDX-License-Identifier: GPL-2.0-or-later
"""A history in which base and patched take turns, bisected in both directions."""

from __future__ import annotations

import sys
from pathlib import Path

import cached
from avocado import Test
from scenario import progress

from switchover.bisect import session
from switchover.bisect.question import Question
from switchover.bisect.repository import Repository
from switchover.core import paths
from switchover.core.git import NOBODY, git

SCENARIO = "throttled-mirror"


class Bisecting(Test):
    """With the real programs and a portable scenario; nothing is built.

    :avocado: recursive
    """

    timeout = 600

    def setUp(self) -> None:
        # So that a bisection of the user's, which may wait to be gone on with,
        # stays as it is.
        self.builds = paths.BUILD
        paths.BUILD = Path(self.workdir) / "build"
        paths.BUILD.mkdir()

    def tearDown(self) -> None:
        paths.BUILD = self.builds

    def test_the_commit_that_cured_it(self) -> None:
        self.bisect(["base", "base", "patched", "patched"], cures=True)

    def test_the_commit_that_brought_it(self) -> None:
        self.bisect(["patched", "patched", "base", "base"], cures=False)

    def bisect(self, builds: list[str], cures: bool) -> None:
        """Fail unless it is the one at which the build changes."""
        for name in builds:
            if not (self.builds / name / "qemu-system-x86_64").exists():
                self.error(f"build/{name} is missing; run scripts/build")
        repository = Repository.at(self.history(builds))
        where = str(repository.directory)
        asked = session.checked(Question(where, "HEAD~3", "HEAD", cures, SCENARIO, 1))
        examiner = cached.CachedExaminer(repository, SCENARIO, progress())
        command = [sys.executable, cached.__file__, str(paths.BUILD)]
        conclusion = session.run(asked, examiner, command)
        first = conclusion.first
        if not (conclusion.is_decisive and first and first.subject == "2"):
            self.fail(f"{conclusion.doubt or first}: {conclusion.results}")

    def history(self, builds: list[str]) -> Path:
        """A repository with a commit, called by its number, for each build."""
        directory = Path(self.workdir) / "clone"
        directory.mkdir()
        git(directory, "init", "--quiet")
        for number, name in enumerate(builds):
            (directory / "build").write_text(name)
            (directory / "number").write_text(str(number))
            git(directory, "add", "--all")
            git(directory, "commit", "--quiet", f"--message={number}", env=NOBODY)
        return directory
