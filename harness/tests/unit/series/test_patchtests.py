# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from switchover.core import paths
from switchover.core.progress import Progress
from switchover.qemu.build import Build
from switchover.series import patchtests
from switchover.series.commits import Commit
from switchover.series.patchtests import PatchTests
from switchover.suites import own_iotests, qtests, unittests
from switchover.suites.iotest_check import FORMATS, QemuTestRun
from switchover.suites.iotest_result import IotestResult

QTEST = """\
static void start(int n)
{
    go(n);
}

static void test_plain(void *opaque)
{
    start(1);
}

static void test_other(void *opaque)
{
    stop();
}

static void test_each(void *opaque)
{
    stop();
}

void add(Env *env)
{
    migration_test_add("/migration/plain",
                       test_plain);
    migration_test_add("/migration/other", test_other);
    migration_test_add_suffix("/migration/each/", name(i), test_each);
}
"""


class FakeCommit:
    """What a patch touches, and its diff, which is the same for each file."""

    def __init__(self, *files: str, diff: str = "") -> None:
        self._files, self._diff = list(files), diff

    def files(self) -> list[str]:
        return self._files

    def diff(self, _name: str) -> str:
        return self._diff


def of(*files: str, source: Path = Path("/nowhere")) -> PatchTests:
    return patchtests.of(cast(Commit, FakeCommit(*files)), source)


def test_iotests_are_found_by_test_and_output() -> None:
    found = of(
        "tests/qemu-iotests/041",
        "tests/qemu-iotests/030.out",
        "tests/qemu-iotests/tests/mirror-ready",
        "tests/qemu-iotests/tests/mirror-ready.out",
        "tests/qemu-iotests/tests/qsd.qcow2.out",
        "tests/qemu-iotests/iotests.py",
        "tests/qemu-iotests/check",
        "tests/qemu-iotests/meson.build",
    )
    assert found == PatchTests(("030", "041", "mirror-ready", "qsd"))


def test_unit_tests_are_found_by_source() -> None:
    found = of(
        "tests/unit/test-a.c",
        "tests/unit/check-b.c",
        "tests/unit/iothread.c",
        "tests/unit/meson.build",
        "block/mirror.c",
    )
    assert found == PatchTests(unit=("check-b", "test-a"))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("7 +8", ("/migration/plain",)),
        ("3 +3", ("/migration/plain",)),
        ("18 +18", ("/migration/each",)),
        ("25 +25", ("/migration/other",)),
        ("23 +23,3", ("/migration/other", "/migration/plain")),
        ("13,2 +12,0", ("/migration/other",)),
        ("22 +22", ()),
    ],
)
def test_qtests_are_found_by_the_code_that_is_changed(
    lines: str, expected: Any
) -> None:
    assert patchtests.changed_paths(QTEST, f"@@ -{lines} @@ void x(\n") == expected


def test_parts_of_migration_test_are_one_program(tmp_path: Path) -> None:
    folder = tmp_path / "tests/qtest/migration"
    folder.mkdir(parents=True)
    names = []
    for name in ("a.c", "b.c"):
        (folder / name).write_text(QTEST)
        names.append(f"tests/qtest/migration/{name}")
    commit = FakeCommit(*names, diff="@@ -13 +13 @@\n")
    found = patchtests.of(cast(Commit, commit), tmp_path)
    assert set(found.qtests) == {"migration-test"}
    assert set(found.qtests["migration-test"]) == {"/migration/other"}


async def ended(status: str) -> QemuTestRun:
    return QemuTestRun(status, "", 1.0, Path("log"))


def iotest(checks: Any, name: str, declared: Any, _progress: Any) -> list[IotestResult]:
    assert declared == {}
    run = QemuTestRun("fail", "", 1.0, Path("log"))
    return [IotestResult(name, one.format, None, None, run) for one in checks]


@pytest.mark.usefixtures("project")
def test_what_became_of_each_test_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def qtest(_build: Any, _name: str, wanted: tuple[str, ...]) -> Any:
        return ended("hang" if wanted == ("/a",) else "pass")

    monkeypatch.setattr(unittests, "compile_tests", lambda _build, names, _: names)
    monkeypatch.setattr(unittests, "run", lambda _build, _name: ended("pass"))
    monkeypatch.setattr(own_iotests, "run", iotest)
    monkeypatch.setattr(qtests, "compile_test", lambda *_: None)
    monkeypatch.setattr(qtests, "run", qtest)
    tests = PatchTests(("041",), ("test-a",), {"b-test": (), "a-test": ("/a",)})
    build = Build("check", paths.build_dir("check"))
    found = patchtests.run(tests, build, Progress())
    assert [(name, run.status) for name, run in found] == [
        ("unit test test-a", "pass"),
        *((f"iotest 041 ({format})", "fail") for format in FORMATS),
        ("qtest b-test", "pass"),
        ("qtest a-test", "hang"),
    ]
