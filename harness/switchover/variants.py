# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds of the patched source that find more than a plain one, and take longer.

    sanitized   AddressSanitizer with LeakSanitizer, and UndefinedBehaviorSanitizer
    threads     ThreadSanitizer
    coverage    gcov

A sanitizer's report ends the process with an exit code that the oracle takes for a
crash, or, for undefined behaviour, is a line on stderr that it takes for one.
"""

from __future__ import annotations

import os

from . import paths

SUPPRESSIONS = paths.ROOT / "harness" / "sanitizers"
OPTIONS = {
    # Coroutines run on stacks of their own, which this would take for returned from.
    "ASAN_OPTIONS": "detect_stack_use_after_return=0:detect_leaks=1",
    "LSAN_OPTIONS": f"suppressions={SUPPRESSIONS / 'leaks'}:print_suppressions=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": f"suppressions={SUPPRESSIONS / 'threads'}:history_size=4",
}


def prepare(name: str) -> None:
    """Give what is started from now on the options of the sanitizers, if need be."""
    if name in ("sanitized", "threads"):
        os.environ.update(OPTIONS)
