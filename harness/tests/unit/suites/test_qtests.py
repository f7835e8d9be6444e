# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from switchover.qemu.build import Build
from switchover.suites import qtests
from switchover.suites.iotest_check import QemuTestRun

# Stands in for a test program: its output is in a file, and says how it ends.
PROGRAM = """\
#!/bin/sh
echo "$@" > "$QTEST_QEMU_BINARY.arguments"
echo "$UBSAN_OPTIONS" > "$QTEST_QEMU_BINARY.options"
cat "$QTEST_QEMU_BINARY.output"
! grep -q '^not ok' "$QTEST_QEMU_BINARY.output"
"""


@pytest.fixture
def build(project: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(qtests, "HIDE_KVM", [])
    made = Build("sanitized", project / "build" / "sanitized")
    for name in ("migration-test", "cdrom-test"):
        program = made.directory / qtests.FOLDER / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(PROGRAM)
        program.chmod(0o755)
    return made


def run(
    build: Any,
    output: str,
    name: str = "migration-test",
    wanted: Any = ("/migration/a",),
) -> QemuTestRun:
    build.system.with_suffix(".output").write_text(output)
    return asyncio.run(qtests.run(build, name, wanted))


def arguments(build: Build) -> str:
    return build.system.with_suffix(".arguments").read_text().strip()


def test_only_the_wanted_paths_are_run(build: Any) -> None:
    outcome = run(build, "# start\nok 1 /x86_64/migration/a\n", wanted=("/a", "/b"))
    assert outcome.status == "pass"
    assert arguments(build) == "--full -p /x86_64/a -p /x86_64/b --tap -k"
    options = build.system.with_suffix(".options").read_text().strip()
    assert options == build.environment["UBSAN_OPTIONS"]


def test_what_is_below_a_path_is_not_run_twice(build: Any) -> None:
    run(build, "ok 1 /x86_64/migration/a", wanted=("/m/a/b", "/m/a", "/m/ab"))
    assert "/x86_64/m/a/b" not in arguments(build)
    assert "-p /x86_64/m/a -p /x86_64/m/ab" in arguments(build)


def test_all_of_its_paths_are_listed(build: Any) -> None:
    build.system.with_suffix(".output").write_text("/x86_64/a\n/x86_64/b/c\n# other\n")
    assert qtests.cases(build, "migration-test") == ["/a", "/b/c"]
    assert arguments(build) == "--full -l"


def test_without_paths_the_whole_is_run(build: Any) -> None:
    assert run(build, "ok 1 /a\n", "cdrom-test", ()).status == "pass"
    assert arguments(build) == "--tap -k"


def test_a_failed_test_says_why(build: Any) -> None:
    outcome = run(build, "ok 1 /a\nnot ok 2 /b\n")
    assert str(outcome) == "fail: not ok 2 /b"


def test_a_path_that_is_not_there_is_no_pass(build: Any) -> None:
    outcome = run(build, "1..0\n")
    assert str(outcome) == "not run: none of its tests was run"


def test_a_hang_is_told(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qtests, "SECONDS", 0.2)
    program = build.directory / qtests.FOLDER / "migration-test"
    program.write_text("#!/bin/sh\nsleep 1000\n")
    assert run(build, "").status == "hang"
