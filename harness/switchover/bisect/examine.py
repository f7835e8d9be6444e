# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a revision is built, and what is built runs a scenario."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..core import files
from ..core.command import run
from ..core.errors import BuildFailed
from ..core.progress import Progress
from ..qemu.build import Build
from . import builder, folders, run_scenario, sourcetree, store
from .outcome import SKIP, CommitResult, Outcome, together
from .repository import Repository, short

UNSEEN = ("--strip-all", "--remove-section=.note.gnu.build-id")


@dataclass(frozen=True)
class Examiner:
    """Builds revisions of a repository for one scenario."""

    repository: Repository
    scenario: str
    progress: Progress

    def build(self, commit: str, fresh: bool) -> Build:
        """Build a commit; raises BuildFailed and what stops everything."""
        with self.progress.step("check out"):
            sourcetree.checkout(self.repository.directory, commit)
            sourcetree.add_wraps(self.progress)
        tree = self.repository.tree(commit)
        return programs(
            tree, run_scenario.is_native(self.scenario), self.progress, fresh
        )

    def run(self, build: Build) -> Outcome:
        """Run the scenario once."""
        return run_scenario.run(self.scenario, build, self.progress)

    def digest(self, build: Build) -> str:
        """Of the emulator, without what is only there for debuggers."""
        with TemporaryDirectory(dir=folders.home()) as temporary:
            bare = Path(temporary) / "bare"
            run("objcopy", *UNSEEN, build.system.resolve(), bare)
            return files.digest(bare)

    def examine(
        self, commit: str, role: str, repeat: int, thorough: bool = False
    ) -> CommitResult:
        """Build a commit and run the scenario `repeat` times.

        A thorough one is built from nothing, and looks at the programs. Whatever
        is wrong with the revision is a skip. Raises what has to stop everything:
        MissingTool, SourceUnavailable, GuestFailed, Busy, DiskFull, OSError
        (ENOSPC).
        """
        subject = self.repository.subject(commit)
        label = f"{role}: {short(commit)} {subject}"
        start = time.monotonic()
        outcomes: list[Outcome] = []
        digest = ""
        build = None
        with self.progress.step(label):
            try:
                build = self.build(commit, thorough)
                digest = self.digest(build) if thorough else ""
            except BuildFailed as error:
                outcomes.append(Outcome(SKIP, f"does not build ({error})"))
            built = time.monotonic()
            if build:
                outcomes += self._runs(build, repeat)
        verdict = together(outcomes)
        return CommitResult(
            commit=commit,
            subject=subject,
            role=role,
            verdict=verdict.verdict,
            why=verdict.why,
            outcomes=tuple(outcome.verdict for outcome in outcomes),
            build_seconds=round(built - start, 1),
            run_seconds=round(time.monotonic() - built, 1),
            digest=digest,
        )

    def _runs(self, build: Build, repeat: int) -> list[Outcome]:
        outcomes = []
        for number in range(repeat):
            with self.progress.step(f"run {number + 1} of {repeat}"):
                outcomes.append(self.run(build))
        return outcomes


def programs(
    tree: str, own_options: bool, progress: Progress, fresh: bool = False
) -> Build:
    """Those of the files that are there, for which `tree` stands: kept, or built."""
    name = store.key(tree, builder.plan(own_options))
    if kept := store.find(name, fresh):
        return kept
    return store.keep(name, builder.build(progress, own_options, fresh), fresh)


def unexpected(commit: str, subject: str, error: Exception) -> CommitResult:
    """The step at a commit at which something went wrong that nobody thought of."""
    folders.logs().mkdir(exist_ok=True)
    log = folders.logs() / f"unexpected-{short(commit)}.log"
    log.write_text("".join(traceback.format_exception(error)))
    why = f"unexpected: {type(error).__name__}: {error}; see {log}"
    return CommitResult(commit, subject, "step", SKIP, why, (SKIP,))
