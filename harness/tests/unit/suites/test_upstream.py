# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import iotest_tree
import pytest

from switchover.core.errors import DiskFull
from switchover.core.progress import Progress
from switchover.qemu.build import Build
from switchover.suites import upstream
from switchover.suites.comparison import DIFFERENT, FLAKY, SAME
from switchover.suites.iotest_check import QemuTestRun
from switchover.suites.upstream import UpstreamTest


class Fake:
    """A test that ends on each build as it is told, and the last way ever after."""

    def __init__(self, base: list[str], patched: list[str]) -> None:
        self.endings = {"base": base, "patched": patched}
        self.suffixes: list[str] = []
        self.runs: Counter[str] = Counter()

    def pair(self, name: str) -> UpstreamTest:
        return UpstreamTest(
            name, "raw", {build: self._runner(build) for build in self.endings}
        )

    def _runner(self, build: str):
        async def run(suffix: str) -> QemuTestRun:
            endings = self.endings[build]
            number = min(self.runs[build], len(endings) - 1)
            self.runs[build] += 1
            self.suffixes.append(suffix)
            await asyncio.sleep(0)
            return QemuTestRun(endings[number], "", 1.0, Path("/log"))

        return run


@pytest.mark.usefixtures("project")
def test_what_differs_is_run_again():
    fakes = [
        Fake(["pass"], ["pass"]),
        Fake(["pass"], ["fail"]),
        Fake(["fail", "pass"], ["pass"]),
    ]
    pairs = [fake.pair(str(number)) for number, fake in enumerate(fakes)]
    found = asyncio.run(upstream._compare(pairs, Progress()))
    assert [one.verdict for one in found] == [SAME, DIFFERENT, FLAKY]
    assert [fake.runs["patched"] for fake in fakes] == [1, 4, 4]
    assert fakes[1].suffixes == ["", "", ".1", ".1", ".2", ".2", ".3", ".3"]


def test_on_one_build_it_counts_what_fails_when_it_is_run_alone(
    project, monkeypatch, capsys
):
    fakes = {
        "passes": Fake([], ["pass"]),
        "not-for-it": Fake([], ["not run"]),
        "is-slow": Fake([], ["hang", "pass"]),
        "is-wrong": Fake([], ["hang", "fail"]),
    }
    pairs = [fake.pair(name) for name, fake in fakes.items()]
    ours = [
        UpstreamTest(one.name, one.format, {"patched": one.on["patched"]})
        for one in pairs
    ]
    monkeypatch.setattr(upstream, "_all_tests", lambda _builds, _progress: ours)
    made = Build("patched", project / "build" / "patched")
    assert upstream.on_one(made, Progress()) == (3, 1)
    assert capsys.readouterr().out == "is-wrong raw on patched: fail; see /log\n"
    assert fakes["is-slow"].suffixes == ["", ".1"]


@pytest.mark.usefixtures("project")
def test_tests_are_chosen_by_group_and_by_what_they_say():
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
def test_differences_are_printed_and_counted(capsys):
    same, other = Fake(["pass"], ["pass"]), Fake(["pass"], ["fail"])
    pairs = [same.pair("same"), other.pair("other")]
    found = asyncio.run(upstream._compare(pairs, Progress()))
    assert upstream._show(found) == (1, 1)
    output = capsys.readouterr().out
    assert "different: other (raw)\n  base: first pass; alone 3 x pass" in output
    assert "(same)" not in output
    assert output.splitlines()[-1].startswith("1 same, 0 flaky, 1 different")


@pytest.mark.usefixtures("project")
def test_what_ends_it_is_raised_as_it_is():
    async def fail(_suffix: str) -> QemuTestRun:
        raise DiskFull("no room")

    test = UpstreamTest("a", "raw", {"base": fail, "patched": fail})
    with pytest.raises(DiskFull):
        asyncio.run(upstream._compare([test], Progress()))


@pytest.mark.parametrize("patched", ["pass", "fail"])
def test_by_itself_it_fails_if_any_differs(project, monkeypatch, capsys, patched):
    tests = [Fake(["pass"], [patched]).pair("a")]
    monkeypatch.setattr(upstream, "_tests", lambda *_: tests)
    monkeypatch.setattr(upstream, "_all_tests", lambda *_: tests)
    monkeypatch.setattr(upstream.qtests, "cases", lambda *_: ["a", "/new"])

    async def run_case(*_: object) -> QemuTestRun:
        return QemuTestRun(patched, "", 1.0, Path("/log"))

    monkeypatch.setattr(upstream.qtests, "run_case", run_case)
    monkeypatch.setattr(upstream, "chosen", list)
    monkeypatch.setattr(upstream, "of_migration", list)
    builds = [Build(name, project / name) for name in ("base", "patched")]
    failed = int(patched == "fail")
    assert upstream.main(builds, Progress(), as_data=True) == failed
    assert json.loads(capsys.readouterr().out)[0]["test"] == "a"
    assert upstream.main(builds, Progress(), as_data=False) == failed
    assert upstream.short(builds, Progress()) == (1 - failed, failed)
    assert upstream.whole(builds, Progress()) == (2 - 2 * failed, 2 * failed)
