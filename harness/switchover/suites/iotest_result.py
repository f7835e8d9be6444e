# SPDX-License-Identifier: GPL-2.0-or-later
"""What became of an iotest, or one case of it, and what was expected."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from ..core import paths
from .base_failures import FILE, Declaration
from .iotest_check import QemuTestRun


@dataclass(frozen=True)
class IotestResult:
    """A test, or one case of it, and what was expected of it.

    `regex` is what its failure has to say; None if it has to pass.
    """

    test: str
    format: str
    case: str | None
    regex: str | None
    outcome: QemuTestRun

    @property
    def as_declared(self) -> bool:
        if self.regex is None:
            return self.outcome.status == "pass"
        return self.outcome.failed and self._found is not None

    @property
    def expected(self) -> str:
        return "pass" if self.regex is None else f"fail: {self.regex}"

    @property
    def reason(self) -> str:
        """Where a failure was found to be the declared one, else the outcome's."""
        return self._found or self.outcome.reason

    @property
    def _found(self) -> str | None:
        """The line with what was declared."""
        if self.regex is None:
            return None
        found = re.search(self.regex, self.outcome.text, re.MULTILINE)
        return found and _line(self.outcome.text, found.start())

    def as_data(self) -> dict[str, Any]:
        """What --json prints."""
        case = {} if self.case is None else {"case": self.case}
        return {
            "test": self.test,
            "format": self.format,
            **case,
            "expected": self.expected,
            "outcome": self.outcome.status,
            "reason": self.reason,
            "as_declared": self.as_declared,
            "seconds": round(self.outcome.seconds, 1),
            "log": str(self.outcome.log),
        }

    def __str__(self) -> str:
        name = " ".join(filter(None, [self.test, self.case, f"({self.format})"]))
        happened = ": ".join(filter(None, [self.outcome.status, self.reason]))
        log = self.outcome.log
        return f"{name}: expected {self.expected}; was {happened}; see {log}"


def missing(
    test: str, declared: Declaration, present: Collection[str] = ()
) -> list[IotestResult]:
    """Results for what is declared of a test, and isn't there: all but `present`."""
    log = paths.IOTESTS / FILE
    outcome = QemuTestRun("missing", f"{FILE} declares what isn't there", 0, log)
    cases = {None: declared.whole} if declared.cases is None else declared.cases
    return [
        IotestResult(test, "any", case, regex, outcome)
        for case, regex in cases.items()
        if case not in present
    ]


def _line(text: str, position: int) -> str:
    """The line of a text that this position is in."""
    start = text.rfind("\n", 0, position) + 1
    return text[start:].partition("\n")[0]
