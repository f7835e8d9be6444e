#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints "case: CLASS.METHOD" for each unittest case of an iotest, in their order.

An iotest can only be loaded in the environment that QEMU's `check` makes, so it is
`check` that runs this, with the path of the test.
"""

from __future__ import annotations

import importlib.util
import sys
import unittest
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader


def cases(suite: unittest.TestSuite) -> Iterator[str]:
    for part in suite:
        if isinstance(part, unittest.TestSuite):
            yield from cases(part)
        else:
            yield part.id().removeprefix("iotest.")


# The folder of the project's tests is no place for __pycache__.
sys.dont_write_bytecode = True
loader = SourceFileLoader("iotest", sys.argv[1])
spec = importlib.util.spec_from_loader("iotest", loader)
assert spec
module = importlib.util.module_from_spec(spec)
loader.exec_module(module)
for name in cases(unittest.TestLoader().loadTestsFromModule(module)):
    print("case:", name)
