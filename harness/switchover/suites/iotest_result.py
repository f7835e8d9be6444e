# SPDX-License-Identifier: GPL-2.0-or-later
"""What became of an iotest, or one case of it, and what was expected.

What the project's own do on unpatched QEMU is declared in iotests/base.toml:

    [TEST]
    fails = "REGEX"          # the test as a whole

    [TEST.fails]
    "CLASS.METHOD" = "REGEX" # these unittest cases; the others pass

The regex has to be found in what the test or case says, in which the source code of
tracebacks is left out; a test or case that isn't declared has to pass.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ..core import paths
from .iotest_check import QemuTestRun

FILE = "base.toml"
# Regexes for the failures of one test: by unittest case, or of None as a whole.
Declared = Mapping[str | None, str]


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
        text = self.outcome.text
        found = self.regex and re.search(self.regex, text, re.MULTILINE)
        if not found:
            return None
        start = text.rfind("\n", 0, found.start()) + 1
        return text[start:].partition("\n")[0]

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


def declared(build: str) -> dict[str, Declared]:
    """What is declared for a build, by test; that is nothing for the patched one."""
    path = paths.IOTESTS / FILE
    if build != "base" or not path.is_file():
        return {}
    found = {
        test: entry["fails"] for test, entry in tomllib.loads(path.read_text()).items()
    }
    return {
        test: fails if isinstance(fails, dict) else {None: fails}
        for test, fails in found.items()
    }


def missing(
    test: str, declared: Declared, present: Collection[str | None] = ()
) -> list[IotestResult]:
    """Results for what is declared of a test, and isn't there: all but `present`."""
    log = paths.IOTESTS / FILE
    outcome = QemuTestRun("missing", f"{FILE} declares what isn't there", 0, log)
    return [
        IotestResult(test, "any", case, regex, outcome)
        for case, regex in declared.items()
        if case not in present
    ]
