# SPDX-License-Identifier: GPL-2.0-or-later
"""A step of a bisection of builds that are there already.

A commit's file "build" has the name of one. The argument is a folder for what the
bisection keeps.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from switchover.bisect import git_step
from switchover.bisect.examine import Examiner
from switchover.core import paths
from switchover.core.git import git
from switchover.qemu.build import Build

BUILDS = paths.BUILD


class CachedExaminer(Examiner):
    """Builds nothing."""

    def build(self, commit: str, _fresh: bool) -> Build:
        name = git(self.repository.directory, "show", f"{commit}:build")
        return Build(name, BUILDS / name)


if __name__ == "__main__":
    paths.BUILD = Path(sys.argv[1])
    sys.exit(git_step.main(CachedExaminer))
