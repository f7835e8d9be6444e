# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import iotest_tree
import pytest

from switchover.core import paths
from switchover.core.errors import DiskFull
from switchover.core.progress import Progress
from switchover.qemu.build import NAMES, Build
from switchover.suites import upstream
from switchover.suites.comparison import DIFFERENT, FLAKY, SAME, Comparison
from switchover.suites.iotest_check import QemuTestRun
from switchover.suites.upstream import UpstreamTest


class Fake:
    """A test that ends on each build as it is told, and the last way ever after."""

    def __init__(self, base: list[str], patched: list[str]) -> None:
        self.endings = {"base": base, "patched": patched}
        self.suffixes: list[str] = []
        self.runs: Counter[str] = Counter()

    def test(self, name: str) -> UpstreamTest:
        return UpstreamTest(name, "raw", self._run)

    async def _run(self, build: Build, _name: str, suffix: str) -> QemuTestRun:
        endings = self.endings[build.name]
        number = min(self.runs[build.name], len(endings) - 1)
        self.runs[build.name] += 1
        self.suffixes.append(suffix)
        await asyncio.sleep(0)
        return QemuTestRun(endings[number], "", 1.0, Path("/log"))


def compare(tests: list[UpstreamTest]) -> list[Comparison]:
    return asyncio.run(upstream._compare(tests, builds(), Progress()))


def builds() -> list[Build]:
    return [Build(name, paths.build_dir(name)) for name in NAMES]


@pytest.mark.usefixtures("project")
def test_what_differs_is_run_again() -> None:
    fakes = [
        Fake(["pass"], ["pass"]),
        Fake(["pass"], ["fail"]),
        Fake(["fail", "pass"], ["pass"]),
    ]
    found = compare([fake.test(str(number)) for number, fake in enumerate(fakes)])
    assert [one.verdict for one in found] == [SAME, DIFFERENT, FLAKY]
    assert [fake.runs["patched"] for fake in fakes] == [1, 4, 4]
    assert fakes[1].suffixes == ["", "", ".1", ".1", ".2", ".2", ".3", ".3"]


@pytest.mark.usefixtures("project")
def test_on_one_build_it_counts_what_fails_when_it_is_run_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fakes = {
        "passes": Fake([], ["pass"]),
        "not-for-it": Fake([], ["not run"]),
        "is-slow": Fake([], ["hang", "pass"]),
        "is-wrong": Fake([], ["hang", "fail"]),
    }
    tests = [fake.test(name) for name, fake in fakes.items()]
    monkeypatch.setattr(upstream, "_all_tests", lambda _builds, _progress: tests)
    assert upstream.on_one(builds()[1], Progress()) == (3, 1)
    assert capsys.readouterr().out == "is-wrong raw on patched: fail; see /log\n"
    assert fakes["is-slow"].suffixes == ["", ".1"]


@pytest.mark.usefixtures("project")
def test_tests_are_chosen_by_group_and_by_what_they_say() -> None:
    folder = iotest_tree.make(
        mirror="blockdev-mirror",
        resize="# group: rw quick\nblock_resize",
        bitmaps="# group: rw migration",
        broken="# group: rw migration disabled",
    )
    iotest_tree.write_test(folder / "041", "NBD")
    iotest_tree.write_test(folder / "042", "no such thing")
    (folder / "tests" / "mirror-helper").write_text("mirror")
    assert upstream.chosen() == ["041", "bitmaps", "mirror"]
    assert upstream.of_migration() == ["bitmaps"]


@pytest.mark.usefixtures("project")
def test_differences_are_printed_and_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    same, other = Fake(["pass"], ["pass"]), Fake(["pass"], ["fail"])
    found = compare([same.test("same"), other.test("other")])
    assert upstream._show(found) == (1, 1)
    output = capsys.readouterr().out
    assert "different: other (raw)\n  base: first pass; alone 3 x pass" in output
    assert "(same)" not in output
    assert output.splitlines()[-1].startswith("1 same, 0 flaky, 1 different")


@pytest.mark.usefixtures("project")
def test_what_ends_it_is_raised_as_it_is() -> None:
    async def fail(*_: object) -> QemuTestRun:
        raise DiskFull("no room")

    with pytest.raises(DiskFull):
        compare([UpstreamTest("a", "raw", fail)])


@pytest.mark.parametrize("patched", ["pass", "fail"])
@pytest.mark.usefixtures("project")
def test_by_itself_it_fails_if_any_differs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], patched: str
) -> None:
    tests = [Fake(["pass"], [patched]).test("a")]
    monkeypatch.setattr(upstream, "_tests", lambda *_: tests)
    monkeypatch.setattr(upstream, "_all_tests", lambda *_: tests)
    monkeypatch.setattr("switchover.suites.qtests.cases", lambda *_: ["a", "/new"])

    async def run_case(*_: object) -> QemuTestRun:
        return QemuTestRun(patched, "", 1.0, Path("/log"))

    monkeypatch.setattr("switchover.suites.qtests.run_case", run_case)
    monkeypatch.setattr(upstream, "chosen", list)
    monkeypatch.setattr(upstream, "of_migration", list)
    both = builds()
    failed = int(patched == "fail")
    assert upstream.main(both, Progress(), as_data=True) == failed
    assert json.loads(capsys.readouterr().out)[0]["test"] == "a"
    assert upstream.main(both, Progress(), as_data=False) == failed
    assert upstream.short(both, Progress()) == (1 - failed, failed)
    assert upstream.whole(both, Progress()) == (2 - 2 * failed, 2 * failed)
