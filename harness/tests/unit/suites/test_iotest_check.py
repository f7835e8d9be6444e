# SPDX-License-Identifier: GPL-2.0-or-later
"""What is made of the output of QEMU's check, and of an iotest's unittest cases."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import iotest_tree
import pytest
from iotest_tree import FAIL, LINE, NOT_RUN, PASS

from switchover.suites import iotest_check
from switchover.suites.iotest_check import QemuTestRun, failure, verdict

STARTED = f"t   ...{LINE}  ...  \n"
UNITTEST = f"""\
t   fail    {LINE} 0.4s     failed, exit status 1
--- /source/t.out
+++ /scratch/t.out.bad
@@ -1,5 +1,13 @@
-..
+.E
+======================================================================
+ERROR: test_it (__main__.TestMirror.test_it)
"""
CASE = """\
QEMU          -- "qemu" -nodefaults

qemu: block/io.c:1976: Assertion `!BDRV_O_INACTIVE' failed.
E
======================================================================
ERROR: test_it (__main__.TestMirror.test_it)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "t", line 110, in test_unfinished
    self.assert_refused("a reason")
KeyError: 'error'

----------------------------------------------------------------------
Ran 1 tests
"""


def run(name: str, image_format: str = "qcow2", **options: Any) -> QemuTestRun:
    return asyncio.run(iotest_tree.check("base", image_format).test(name, **options))


def run_case() -> QemuTestRun:
    return asyncio.run(iotest_tree.check().case("t", "TestMirror.test_it"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{STARTED}t   pass    {LINE} 4.1s   (last: 3.9s)   \n", ("pass", "")),
        (f"{STARTED}t   pass    {LINE} 4.1s   \nPassed all 1\n", ("pass", "")),
        (
            f"t   not run {LINE} ...       not suitable for this image format: raw\n",
            ("not run", "not suitable for this image format: raw"),
        ),
        (UNITTEST, ("fail", "ERROR: test_it (__main__.TestMirror.test_it)")),
        ("No such file: /build/qemu-img\n", ("fail", "No such file: /build/qemu-img")),
    ],
)
def test_verdicts(text: Any, expected: Any) -> None:
    assert verdict(text) == expected


@pytest.mark.usefixtures("project")
def test_a_failure_is_the_first_line_that_differs() -> None:
    iotest_tree.make(t=FAIL)
    outcome = run("t")
    assert (outcome.status, outcome.reason) == ("fail", "output mismatch: -two")
    assert outcome.log.name == "t.out.bad"
    assert outcome.text == "said\n"


def test_all_that_is_made_is_below_build(project: Path) -> None:
    iotest_tree.make(t=FAIL)
    assert run("t").log.is_relative_to(project / "build" / "iotests" / "base")


@pytest.mark.usefixtures("project")
def test_a_pass_and_its_log() -> None:
    iotest_tree.make(t=PASS)
    outcome = run("t")
    assert (outcome.status, outcome.log.name) == ("pass", "check.log")


@pytest.mark.usefixtures("project")
def test_it_may_not_be_meant_for_a_format() -> None:
    iotest_tree.make(t=f"{NOT_RUN}", u=f"echo 't  not run {LINE} ... no network'")
    assert run("t", "raw").unsuited
    assert run("u").status == "not run" and not run("u").unsuited


@pytest.mark.usefixtures("project")
def test_a_hang_is_an_outcome() -> None:
    iotest_tree.make(t="echo waiting > t.out.bad; sleep 1000")
    outcome = run("t", deadline=0.5)
    assert (outcome.status, outcome.reason) == ("hang", "no end after 0 s")
    assert outcome.log.name == "t.out.bad"
    assert outcome.text == "waiting\n\nno end after 0 s\n"
    assert outcome.seconds < 10


@pytest.mark.usefixtures("project")
def test_what_an_earlier_run_left_is_gone() -> None:
    iotest_tree.make(t=f"if test -e ../old; then exit 1; fi; touch ../old; {PASS}")
    assert [run("t").status, run("t").status] == ["pass", "pass"]


@pytest.mark.usefixtures("project")
def test_a_case_that_fails() -> None:
    iotest_tree.make(t=f"cat <<'END'\n{CASE}END\nexit 1\n")
    outcome = run_case()
    assert (outcome.status, outcome.reason) == ("fail", "KeyError: 'error'")
    assert "BDRV_O_INACTIVE" in outcome.text
    assert "assert_refused" not in outcome.text


@pytest.mark.usefixtures("project")
def test_a_case_is_given_by_name() -> None:
    iotest_tree.make(t='test "$1" = TestMirror.test_it')
    assert run_case().status == "pass"


@pytest.mark.usefixtures("project")
def test_a_case_whose_test_is_not_meant_for_a_format() -> None:
    iotest_tree.make(t=f"echo '{iotest_check.UNSUITED}: raw' > t.notrun")
    assert run_case().unsuited


@pytest.mark.usefixtures("project")
def test_a_case_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iotest_check, "CASE_SECONDS", 0.5)
    iotest_tree.make(t="sleep 1000")
    outcome = run_case()
    assert outcome.status == "hang"


def test_why_a_case_failed() -> None:
    traceback = "Traceback (most recent call last):\nKeyError: 'x'\n"
    assert failure(traceback) == "KeyError: 'x'"
    assert failure("Segmentation fault\n") == "Segmentation fault"


@pytest.mark.usefixtures("project")
def test_cases_are_listed() -> None:
    folder = iotest_tree.make(script="echo 'case: fake'")
    iotest_tree.write_test(
        folder / "tests" / "t",
        "import unittest\n"
        "class A(unittest.TestCase):\n    def test_b(self): pass\n"
        "class B(A):\n    def test_a(self): pass\n"
        "if __name__ == '__main__': iotests.main(supported_fmts=['raw'])\n",
    )
    made = iotest_tree.check()
    assert asyncio.run(made.cases("t")) == ["A.test_b", "B.test_a", "B.test_b"]
    assert asyncio.run(made.cases("script")) == []
    assert not list(folder.rglob("__pycache__"))


@pytest.mark.usefixtures("project")
def test_a_test_has_the_environment_of_its_build() -> None:
    iotest_tree.make("patched", t=f'echo "$UBSAN_OPTIONS" >&2\n{PASS}')
    check = iotest_tree.check("sanitized")
    outcome = asyncio.run(check.test("t"))
    assert check.build.environment["UBSAN_OPTIONS"] in outcome.log.read_text()
