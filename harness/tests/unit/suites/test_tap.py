# SPDX-License-Identifier: GPL-2.0-or-later
"""What a program that prints TAP has done."""

from __future__ import annotations

from typing import Any

import pytest

from switchover.suites import tap

ASSERTION = "test-a: ../block.c:1: f: Assertion `x' failed."


@pytest.mark.parametrize(
    ("code", "text", "judged"),
    [
        (0, "1..2\nok 1 /a\nok 2 /b # SKIP no\n", ("pass", "")),
        (0, "1..2\nok 1 /a # SKIP no KVM\nok 2 /b # SKIP no\n", ("not run", "no KVM")),
        (0, "1..0\n", ("not run", "none of its tests was run")),
        (1, "1..2\nok 1 /a\nnot ok 2 /b\nnot ok 3 /c\n", ("fail", "not ok 2 /b")),
        (0, "1..1\nnot ok 1 /a\n", ("fail", "not ok 1 /a")),
        (-6, "ok 1 /a\nBail out! ERROR:a.c:1: no\n", ("fail", "ERROR:a.c:1: no")),
        (-6, f"ok 1 /a\n{ASSERTION}\nBroken pipe\n", ("fail", ASSERTION)),
        (1, "ok 1 /a\nno reason\n", ("fail", "no reason")),
        (1, "", ("fail", "it gave no reason")),
    ],
)
def test_it_is_judged_by_exit_code_and_output(
    code: Any, text: str, judged: Any
) -> None:
    assert tap.judge(code, text) == judged
