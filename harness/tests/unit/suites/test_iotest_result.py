# SPDX-License-Identifier: GPL-2.0-or-later
"""The command scripts/iotests, on builds whose `check` is a stand-in."""

from __future__ import annotations

import json
from pathlib import Path

import iotest_tree
import project
import pytest
from iotest_tree import FAIL, PASS, UNSUITED_RAW

from switchover.commands import iotests
from switchover.core import paths
from switchover.core.progress import Progress
from switchover.qemu import build, ninja
from switchover.qemu.build import Build
from switchover.suites import (
    iotest_check,
    iotest_result,
    own_iotests,
    unittests,
    upstream,
)

# A unittest stand-in: lists its cases, and fails in one of them.
CASES = f"""\
# iotests.main(
case $1 in
raw|qcow2) {PASS};;
A.test_bad) echo "KeyError: 'error'"; exit 1;;
esac
"""
LISTER = "print('case: A.test_bad')\nprint('case: A.test_good')\n"


@pytest.fixture
def trees(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both builds without any tests, and iotests/ with one for qcow2 that passes."""
    made = {name: Build(name, paths.build_dir(name)) for name in build.NAMES}
    monkeypatch.setattr(build, "ensure", lambda name, _progress: made[name])
    lister = project / "list_cases.py"
    lister.write_text(LISTER)
    monkeypatch.setattr(iotest_check, "LISTER", lister)
    for name in build.NAMES:
        iotest_tree.make(name)
        made[name].directory.mkdir(parents=True)
        (made[name].directory / "build.ninja").touch()
    iotest_tree.write_test(paths.IOTESTS / "t", f"{UNSUITED_RAW}\n{PASS}")


def declare(text: str) -> None:
    (paths.IOTESTS / iotest_result.FILE).write_text(text)


def data(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    printed: list[dict[str, str]] = json.loads(capsys.readouterr().out)
    return printed


@pytest.mark.usefixtures("trees")
def test_no_test_at_all_is_no_success() -> None:
    (paths.IOTESTS / "t").unlink()
    assert iotests.main([]) == 1


@pytest.mark.usefixtures("trees")
@pytest.mark.parametrize("code", [0, 1])
def test_what_differs_between_the_builds_decides(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(upstream, "main", lambda *_: code)
    assert iotests.main(["--upstream"]) == code


@pytest.mark.usefixtures("trees")
def test_all_of_the_projects_own_run_on_patched(
    capsys: pytest.CaptureFixture[str],
) -> None:
    iotest_tree.write_test(paths.IOTESTS / "u", PASS)
    assert iotests.main(["--json"]) == 0
    run = [(one["test"], one["format"], one["log"]) for one in data(capsys)]
    assert [one[:2] for one in run] == [("t", "qcow2"), ("u", "raw"), ("u", "qcow2")]
    assert all("/iotests/patched/" in log for _, _, log in run)


@pytest.mark.usefixtures("trees")
def test_the_series_unit_tests_run_where_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    patched = paths.build_dir("patched")
    test = "test-a"
    project.write_series(one=f"+++ b/{unittests.FOLDER}/{test}.c\n")
    (patched / "build.ninja").write_text(f"\nbuild tests/unit/{test}: link")
    compiled = []
    monkeypatch.setattr(ninja, "compile_targets", lambda *given: compiled.append(given))
    program = patched / "tests" / "unit" / test
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho 'not ok 1 /bdrv-inactivate/park'; exit 1\n")
    program.chmod(0o755)
    assert iotests.main(["--build", "base", "--json"]) == 0
    assert [one["format"] for one in data(capsys)] == ["qcow2"]
    assert iotests.main(["--build", "patched", "--json"]) == 1
    assert data(capsys)[-1]["reason"] == "not ok 1 /bdrv-inactivate/park"
    assert [given[1] for given in compiled] == [[f"tests/unit/{test}"]]


@pytest.mark.usefixtures("trees")
def test_the_last_line_counts(capsys: pytest.CaptureFixture[str]) -> None:
    iotest_tree.write_test(paths.IOTESTS / "u", FAIL)
    assert iotests.main([]) == 1
    output = capsys.readouterr()
    assert output.out == "1 as declared, 2 not\n"
    assert "u (raw): expected pass; was fail: output mismatch: -two; see " in output.err


@pytest.mark.usefixtures("trees")
def test_a_test_that_is_meant_for_no_format_proves_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    iotest_tree.write_test(paths.IOTESTS / "t", f"{iotest_tree.NOT_RUN}")
    assert iotests.main([]) == 1
    assert capsys.readouterr().out == "0 as declared, 2 not\n"


@pytest.mark.usefixtures("trees")
def test_qemus_own_tests_can_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    folder = paths.tree_dir("base") / "tests" / "qemu-iotests"
    iotest_tree.write_test(folder / "tests" / "theirs", PASS)
    assert iotests.main(["--build", "base", "theirs"]) == 0
    assert capsys.readouterr().out == "2 as declared, 0 not\n"


@pytest.mark.usefixtures("trees")
def test_on_base_the_cases_fail_as_declared(capsys: pytest.CaptureFixture[str]) -> None:
    iotest_tree.write_test(paths.IOTESTS / "t", CASES)
    declare('[t.fails]\n"A.test_bad" = "^KeyError: \'error\'$"\n')
    assert iotests.main(["--build", "base"]) == 0
    assert capsys.readouterr().out == "4 as declared, 0 not\n"
    declare('[t.fails]\n"A.test_good" = "no"\n')
    assert iotests.main(["--build", "base"]) == 1
    assert capsys.readouterr().out == "0 as declared, 4 not\n"


@pytest.mark.usefixtures("trees", "capsys")
def test_a_declaration_is_for_base_alone() -> None:
    iotest_tree.write_test(paths.IOTESTS / "t", CASES)
    declare('[t.fails]\n"A.test_bad" = "no"\n')
    assert iotests.main(["--build", "patched"]) == 0


@pytest.mark.usefixtures("trees")
def test_a_test_can_be_declared_as_a_whole(capsys: pytest.CaptureFixture[str]) -> None:
    iotest_tree.write_test(paths.IOTESTS / "t", FAIL)
    declare('[t]\nfails = "^said$"\n')
    assert iotests.main(["--build", "base"]) == 0
    assert capsys.readouterr().out == "2 as declared, 0 not\n"


@pytest.mark.usefixtures("trees")
def test_what_is_declared_has_to_be_there(capsys: pytest.CaptureFixture[str]) -> None:
    declare('[gone]\nfails = "x"\n')
    assert iotests.main(["--build", "base"]) == 1
    assert "gone (any): expected fail: x; was missing" in capsys.readouterr().err
    assert iotests.main(["--build", "base", "t"]) == 0
    declare('[t.fails]\n"A.test_gone" = "x"\n')
    iotest_tree.write_test(paths.IOTESTS / "t", CASES)
    assert iotests.main(["--build", "base", "t"]) == 1
    errors = capsys.readouterr().err
    assert "t A.test_gone (any): expected fail: x; was missing" in errors


@pytest.mark.parametrize("words", [["none"], ["--build", "base", "none"], ["patched"]])
@pytest.mark.usefixtures("trees")
def test_an_unknown_test_is_a_usage_error(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        iotests.main(words)
    assert caught.value.code == 2
    assert f"there is no iotest {words[-1]}" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--build", "base"], ["041"]])
@pytest.mark.usefixtures("project")
def test_upstream_takes_no_tests(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        iotests.main(["--upstream", *words])
    assert caught.value.code == 2


@pytest.mark.usefixtures("trees")
def test_those_that_are_not_as_declared_are_counted_and_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    iotest_tree.write_test(paths.IOTESTS / "u", FAIL)
    made = build.ensure("patched", Progress())
    assert own_iotests.check_own(made, Progress()) == (1, 2)
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in said] == ["u (raw)", "u (qcow2)"]
