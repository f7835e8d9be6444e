# SPDX-License-Identifier: GPL-2.0-or-later
"""Test all of it: the harness, every scenario on both builds, the series' own tests."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property

from ..core.lock import exclusive
from ..core.progress import Progress
from ..fuzz import kept
from ..gates import coverage, lint, on_one_build, own_tests, races
from ..gates.sanitizer_reports import counted
from ..qemu import build
from ..qemu.build import Build
from ..series import check
from ..suites import own_iotests, upstream

# What is chosen without an option.
DEFAULT = "default"
OPTIONS = {
    "unit": "only the unit tests and the gates; they need no build of QEMU",
    "sanitized": "only what needs the patches, and QEMU's own tests, with address and "
    "other sanitizers (about an hour)",
    "races": "what needs the patches, with ThreadSanitizer; then name the data races "
    "of the series (half an hour)",
    "coverage": "the same as with sanitizers; then name each line of the series that "
    "was not reached (about an hour)",
    "upstream": "QEMU's own tests, compared on both builds (over an hour)",
}
# The build that an option is about; else it is about base and patched.
BUILDS = {"sanitized": "sanitized", "races": "tsan", "coverage": "coverage"}


class Chosen:
    """What an option has chosen; the builds are made when a suite wants them."""

    def __init__(self, option: str, progress: Progress) -> None:
        self.option = option
        self.progress = progress

    @cached_property
    def builds(self) -> list[Build]:
        """The last one has the patches."""
        names = [BUILDS[self.option]] if self.option in BUILDS else build.NAMES
        return [build.ensure(name, self.progress) for name in names]

    @property
    def patched(self) -> Build:
        return self.builds[-1]


@dataclass(frozen=True)
class Suite:
    """A part of the tests. To add one, make an entry in SUITES.

    `run` says how many tests passed and failed, if it has any, and prints what failed.
    It is run for these `options`. Nothing else that takes `lock` runs meanwhile.
    """

    options: str
    run: Callable[[Chosen], tuple[int, int] | None]
    lock: str = ""

    def count(self, chosen: Chosen) -> tuple[int, int]:
        """How many tests passed and failed; raises Busy, and what `run` does."""
        locked = exclusive(self.lock, "running tests") if self.lock else nullcontext()
        with locked:
            return self.run(chosen) or (0, 0)


# On builds that take long, and are of the patched source.
SLOW = "sanitized races coverage"
SUITES = (
    Suite("default unit", lambda _: own_tests.unit_tests()),
    Suite("default unit", lambda c: lint.run(c.progress)),
    Suite("races", lambda _: races.clear()),
    Suite("coverage", lambda c: coverage.clear(c.patched)),
    Suite("default", lambda c: _check_series(c.progress)),
    Suite("default", lambda c: own_tests.scenarios(c.builds[0], c.progress)),
    Suite(SLOW, lambda c: on_one_build.scenarios(c.patched, c.progress)),
    Suite(
        f"default {SLOW}",
        lambda c: counted(own_iotests.check_own, c.patched, c.progress),
        lock="iotests",
    ),
    Suite(
        SLOW,
        lambda c: counted(on_one_build.migration_test, c.patched, c.progress),
        lock="iotests",
    ),
    Suite("default", lambda c: upstream.short(c.builds, c.progress), lock="iotests"),
    Suite("upstream", lambda c: upstream.whole(c.builds, c.progress), lock="iotests"),
    Suite(
        "sanitized coverage",
        lambda c: counted(upstream.on_one, c.patched, c.progress),
        lock="iotests",
    ),
    Suite(f"default {SLOW}", lambda c: kept.run(c.builds, c.progress), lock="fuzz"),
    Suite("races", lambda c: races.count(c.patched)),
    Suite("coverage", lambda c: coverage.show(c.patched)),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if every test passed, else 1; the last line on stdout is the count.

    An error that ends it keeps its exit code, and what has ended is counted.
    """
    chosen = Chosen(_parser().parse_args(arguments).option, Progress())
    passed = failed = 0
    with exclusive("run", "running scenarios"):
        try:
            for suite in SUITES:
                if chosen.option in suite.options.split():
                    more_passed, more_failed = suite.count(chosen)
                    passed, failed = passed + more_passed, failed + more_failed
        finally:
            print(f"{passed} passed, {failed} failed", flush=True)
    return int(failed > 0 or passed == 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/test", description=__doc__)
    parser.set_defaults(option=DEFAULT)
    what = parser.add_mutually_exclusive_group()
    for name, text in OPTIONS.items():
        what.add_argument(
            f"--{name}", dest="option", action="store_const", const=name, help=text
        )
    return parser


def _check_series(progress: Progress) -> tuple[int, int]:
    """The fast part of scripts/series check; what is wrong is shown."""
    findings = check.fast(progress)
    wrong = [one for one in findings if not one.passed]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return len(findings) - len(wrong), len(wrong)
