# SPDX-License-Identifier: GPL-2.0-or-later
"""What runs, how far it is, and how long it took last time; all on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import files, paths

# A step that took less than this last time is not announced, only reported.
QUICK_SECONDS = 2.0


def seconds(value: float | None) -> str:
    """A duration in words; empty when it is not known."""
    return "" if value is None else f" (last time {value:.1f} s)"


class Timings:
    """How long each step took last time, in build/timings.json."""

    def __init__(self) -> None:
        self._path = paths.BUILD / "timings.json"

    def read(self) -> dict[str, float]:
        """Seconds by label; empty when nothing usable was stored."""
        try:
            timings: dict[str, float] = json.loads(self._path.read_text())
            return timings
        except (FileNotFoundError, ValueError):
            return {}

    def store(self, label: str, duration: float) -> None:
        """Remember the seconds that a step took."""
        timings = {**self.read(), label: round(duration, 1)}
        files.write_json(self._path, dict(sorted(timings.items())))


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

    def __init__(self, label: str, total: int | None, bars: Any, last: str) -> None:
        super().__init__(label, total)
        self._bars = bars
        self.task = bars.add_task(label + last, total=total)

    def update(self, done: int, total: int | None = None) -> None:
        self.total = total or self.total
        self._bars.update(self.task, completed=done, total=self.total)


class Progress:
    """Shows steps: bars on a terminal, else one plain line each."""

    def __init__(self) -> None:
        self._timings = Timings()
        self._bars = _bars()
        self._running = 0

    @contextmanager
    def step(self, label: str, total: int | None = None) -> Iterator[Task]:
        """Show a step while the block runs, then how long it took."""
        last = self._timings.read().get(label)
        step = self._begin(label, total, last)
        start = time.monotonic()
        outcome = "failed after "
        try:
            yield step
            outcome = ""
        finally:
            duration = time.monotonic() - start
            self._end(step)
            message = f"{label} ... {outcome}{duration:.1f} s{seconds(last)}"
            print(message, file=sys.stderr)
        self._timings.store(label, duration)

    def _begin(self, label: str, total: int | None, last: float | None) -> Task:
        if self._bars is not None:
            if not self._running:
                self._bars.start()
            self._running += 1
            return BarTask(label, total, self._bars, seconds(last))
        if last is None or last >= QUICK_SECONDS:
            print(f"{label} ...{seconds(last)}", file=sys.stderr)
        return Task(label, total)

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
