# SPDX-License-Identifier: GPL-2.0-or-later
"""What the project's own iotests do on unpatched QEMU, declared in iotests/base.toml.

    [TEST]
    fails = "REGEX"          # the test as a whole

    [TEST.fails]
    "CLASS.METHOD" = "REGEX" # these unittest cases; the others pass

The regex has to be found in what the test or case says, in which the source code of
tracebacks is left out; a test or case that isn't declared has to pass.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from ..core import paths

FILE = "base.toml"


@dataclass(frozen=True)
class Declaration:
    """Regexes for the failures of one test: as a whole, or by unittest case."""

    whole: str | None = None
    cases: dict[str, str] | None = None


def read(build: str) -> dict[str, Declaration]:
    """The declarations for a build, by test; there are none for the patched one."""
    path = paths.IOTESTS / FILE
    if build != "base" or not path.is_file():
        return {}
    return {
        test: _declaration(entry["fails"])
        for test, entry in tomllib.loads(path.read_text()).items()
    }


def _declaration(fails: str | dict[str, str]) -> Declaration:
    if isinstance(fails, str):
        return Declaration(whole=fails)
    return Declaration(cases=fails)
