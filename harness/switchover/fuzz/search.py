# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes up sequences until time is up or the number of them is reached.

A sequence that fails is shrunk, and what is left of it is written to a file. A
failure like one that was found before is only counted.
"""

from __future__ import annotations

import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from ..core import files, paths
from ..judging.oracle import Verdict
from ..qemu.build import Build
from . import step
from .machine import Stop, stopping
from .player import Player
from .rules import Sequence

STEPS = 24
# Of one round: hypothesis remembers what it has tried.
ROUND = 2000
NUMBER = re.compile(r"\d+")


class Failure(AssertionError):
    """A sequence in which something must not have happened."""


@dataclass
class FailureKind:
    """A kind of failure: the shortest sequence that was seen to lead there."""

    name: str
    path: Path
    # After how many sequences, and how many seconds, it was seen first, and whether
    # this was by chance, when a sequence for another one was made shorter.
    sequences: int
    seconds: float
    by_chance: bool
    # Of the shortest.
    verdict: Verdict = field(default_factory=Verdict)
    steps: int = 0

    def __str__(self) -> str:
        how = ", while another was shrunk" if self.by_chance else ""
        return (
            f"{self.path.read_text()}{self.name}\n  found after {self.sequences} "
            f"sequences and {self.seconds:.0f} s{how}; {self.steps} steps; see it "
            f"again with: scripts/fuzz --replay {self.path}"
        )


@dataclass
class Search:
    """One search on one build."""

    build: Build
    number: int
    # Called after each sequence, with how many there were.
    progress: Callable[[int], None]
    seconds: float | None = None
    most: int | None = None
    # How many were made up; those that shrink a failure don't count.
    sequences: int = 0
    refused: int = 0
    steps: int = 0
    findings: dict[str, FailureKind] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    # What has gone wrong, but not in QEMU.
    errors: list[str] = field(default_factory=list)
    # How many sequences had a migration with this status.
    reached: Counter[str] = field(default_factory=Counter)

    def run(self) -> None:
        """Search; also all failures after the first, if there is time.

        Raises HarnessError or OSError where QEMU is not what went wrong; what was found
        until then is in `findings`.
        """
        # What hypothesis remembers of the code is no part of the project.
        set_hypothesis_home_dir(paths.BUILD / "hypothesis")
        self._start = time.monotonic()
        self._known: set[str] = set()
        self._shrinking = False
        for number in count(self.number):
            if self._is_up():
                return
            try:
                self._round(number)
            except Stop as stop:
                if stop.__cause__:
                    raise stop.__cause__ from None
            except (Failure, Flaky, ExceptionGroup) as error:
                # What was found is in findings, also if it does not happen each time.
                self._known = set(self.findings)
                self.errors += sorted(set(_others(error)))
            self._shrinking = False

    @property
    def folder(self) -> Path:
        return paths.BUILD / "fuzz" / self.build.name

    def _is_up(self) -> bool:
        late = self.seconds is not None and self._elapsed() > self.seconds
        return late or (self.most is not None and self.sequences >= self.most)

    def _elapsed(self) -> float:
        return time.monotonic() - self._start

    def _round(self, number: int) -> None:
        search = self

        class Bound(Sequence):
            @stopping()
            def __init__(self) -> None:
                if search._is_up():
                    raise Stop
                folder = files.empty(search.folder / "run")
                super().__init__(Player(search.build, folder), search._judged)

        chosen = settings(
            max_examples=ROUND,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            verbosity=Verbosity.quiet,
            print_blob=False,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(seed(number)(Bound), settings=chosen)

    @stopping()
    def _judged(self, verdict: Verdict, player: Player) -> None:
        if not self._shrinking:
            self.sequences += 1
            self.steps += len(player.played)
            self.refused += len(player.notes.errors)
            self.reached.update(set(verdict.journey))
            self.progress(self.sequences)
        wrong = verdict.wrong()
        if not wrong:
            return
        name = kind(wrong)
        self.seen[name] += 1
        if name in self._known:
            return
        self._keep(name, verdict, player)
        self._shrinking = True
        raise _failure(name)("; ".join(wrong))

    def _keep(self, name: str, verdict: Verdict, player: Player) -> None:
        """Keep the shortest sequence for this failure, with all that it left."""
        first = (self.sequences, self._elapsed(), self._shrinking)
        paths = (self.folder / f"{number}.jsonl" for number in count(1))
        path = next(path for path in paths if not path.exists())
        kept = self.findings.get(name) or FailureKind(name, path, *first)
        if kept.steps and kept.steps <= len(player.played):
            return
        self.findings[name] = kept
        kept.verdict, kept.steps = verdict, len(player.played)
        step.write(kept.path, player.played, about="; ".join(verdict.wrong()))
        logs, made = kept.path.with_suffix(""), player.processes.folder
        shutil.rmtree(logs, ignore_errors=True)
        shutil.copytree(made, logs, ignore=shutil.ignore_patterns("*.sock"))


def _others(error: BaseException) -> Iterator[str]:
    """What is in a group of errors beside failures of sequences, and of each time."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _others(one)
    elif not isinstance(error, (Failure, Flaky)):
        yield f"{type(error).__name__}: {error}"


def kind(wrong: list[str]) -> str:
    """What failures that are alike have in common: the first thing, but for numbers."""
    return NUMBER.sub("N", wrong[0].partition("; see ")[0])


@cache
def _failure(name: str) -> type[Failure]:
    """A class for each kind, so that hypothesis does not mix them up."""
    return type("Failure", (Failure,), {"kind": name})
