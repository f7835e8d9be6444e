# SPDX-License-Identifier: GPL-2.0-or-later
"""What runs, how far it is, and how long it took last time; all on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import files, paths

# A step that took less than this last time is not announced, only reported.
QUICK_SECONDS = 2.0


def _timings() -> dict[str, float]:
    """How long each step took last time, in seconds by label, as far as is known."""
    try:
        timings: dict[str, float] = json.loads(_timings_file().read_text())
        return timings
    except (FileNotFoundError, ValueError):
        return {}


def _timings_file() -> Path:
    return paths.BUILD / "timings.json"


class Task:
    """A running step; a plain one says where it is each tenth of the way."""

    def __init__(self, label: str, total: int | None) -> None:
        self.label = label
        self.total = total
        self._tenth = 0

    def update(self, done: int, total: int | None = None) -> None:
        """Say how much is done, and how much there is when only known now."""
        self.total = total or self.total
        if not self.total:
            return
        tenth = 10 * done // self.total
        if self._tenth < tenth < 10:
            self._tenth = tenth
            print(f"{self.label} ... {done}/{self.total}", file=sys.stderr)


class BarTask(Task):
    """A running step that is drawn as a bar on a terminal."""

    def __init__(self, label: str, total: int | None, bars: Any, known: str) -> None:
        super().__init__(label, total)
        self._bars = bars
        self.task = bars.add_task(label + known, total=total)

    def update(self, done: int, total: int | None = None) -> None:
        self.total = total or self.total
        self._bars.update(self.task, completed=done, total=self.total)


class Progress:
    """Shows steps: bars on a terminal, else one plain line each."""

    def __init__(self) -> None:
        self._bars = _bars()
        self._running = 0

    @contextmanager
    def step(self, label: str, total: int | None = None) -> Iterator[Task]:
        """Show a step while the block runs, then how long it took."""
        last = _timings().get(label)
        known = "" if last is None else f" (last time {last:.1f} s)"
        if self._bars is None and (last is None or last >= QUICK_SECONDS):
            print(f"{label} ...{known}", file=sys.stderr)
        step = self._begin(label, total, known)
        start = time.monotonic()
        outcome = "failed after "
        try:
            yield step
            outcome = ""
        finally:
            duration = time.monotonic() - start
            self._end(step)
            print(f"{label} ... {outcome}{duration:.1f} s{known}", file=sys.stderr)
        timings = {**_timings(), label: round(duration, 1)}
        files.write_json(_timings_file(), dict(sorted(timings.items())))

    def _begin(self, label: str, total: int | None, known: str) -> Task:
        if self._bars is None:
            return Task(label, total)
        if not self._running:
            self._bars.start()
        self._running += 1
        return BarTask(label, total, self._bars, known)

    def _end(self, step: Task) -> None:
        if isinstance(step, BarTask):
            self._bars.remove_task(step.task)
            self._running -= 1
            if not self._running:
                self._bars.stop()


def _bars() -> Any:
    """A rich display when stderr is a terminal; None without one.

    bootstrap runs before the venv with rich exists, hence the late import.
    """
    if not sys.stderr.isatty():
        return None
    try:
        from rich import progress
        from rich.console import Console
    except ImportError:
        return None
    return progress.Progress(
        progress.SpinnerColumn(),
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
