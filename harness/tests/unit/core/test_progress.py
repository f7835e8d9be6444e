# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import json
from unittest.mock import Mock

import pytest

from switchover.core import paths, progress
from switchover.core.progress import Progress


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that stands still, however slow we are."""
    monkeypatch.setattr(progress, "time", Mock(monotonic=Mock(return_value=1.0)))


def timings() -> dict[str, float]:
    stored: dict[str, float] = json.loads((paths.BUILD / "timings.json").read_text())
    return stored


@pytest.mark.usefixtures("project")
def test_it_says_how_long_it_took_last_time(capsys: pytest.CaptureFixture[str]) -> None:
    (paths.BUILD / "timings.json").write_text('{"compile": 7.5}')
    with Progress().step("compile"):
        pass
    output = capsys.readouterr()
    assert output.out == ""
    assert "compile ... 0.0 s (last time 7.5 s)\n" in output.err
    assert timings() == {"compile": 0.0}


@pytest.mark.usefixtures("project")
def test_it_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress().step("compile") as step:
        for done in range(1, 101):
            step.update(done, total=100)
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if "/100" in line] == [
        f"compile ... {tenth}0/100" for tenth in range(1, 10)
    ]


@pytest.mark.usefixtures("project")
def test_a_failed_step_says_so_and_is_not_timed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(KeyError), Progress().step("compile"):
        raise KeyError
    assert "compile ... failed after 0.0 s" in capsys.readouterr().err
    assert not (paths.BUILD / "timings.json").exists()


@pytest.mark.usefixtures("project", "capsys")
def test_steps_may_overlap() -> None:
    steps = Progress()
    with steps.step("one"), steps.step("two"):
        pass
    assert set(timings()) == {"one", "two"}


@pytest.mark.usefixtures("project")
def test_a_broken_store_is_no_obstacle() -> None:
    (paths.BUILD / "timings.json").write_text("{")
    with Progress().step("compile"):
        pass
    assert "compile" in timings()
