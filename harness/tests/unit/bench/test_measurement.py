# SPDX-License-Identifier: GPL-2.0-or-later
"""Who runs when, what becomes a figure and what ends it all, and the exit code."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from switchover.bench import measurement
from switchover.bench.case import Case, Figures, Measure, NotOffered, Variant
from switchover.bench.measurement import Measurement
from switchover.bench.sample import Sample
from switchover.commands import bench
from switchover.core import errors, paths
from switchover.core.command import CommandFailed
from switchover.core.errors import DiskFull, VMLost
from switchover.core.progress import Progress
from switchover.guest import kernel
from switchover.guest.kernel import Guest
from switchover.qemu import build
from switchover.qemu.build import Build
from switchover.stories.rig import Lab
from switchover.vm import accel
from switchover.vm.accel import Accel
from switchover.vm.vm import Died, Hang, Refused

pytestmark = pytest.mark.usefixtures("project")


def test_variants_take_turns_in_an_order_that_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = []

    def variant(name: str) -> Variant:
        async def measure(lab: Lab) -> Figures:
            assert list(lab.folder.iterdir()) == []
            (lab.folder / "left over").touch()
            order.append(name)
            if name == "c":
                raise NotOffered("c")
            if name == "b":
                raise Hang("b")
            return {"time": 1}

        return Variant(name, "base", measure)

    variants = tuple(map(variant, "abc"))
    found = Case("a-case", "A case", "time", "ms", variants)
    taken = run(found, 8, tmp_path, monkeypatch)
    assert [order.count(name) for name in "abc"] == [8, 8, 1]
    order.remove("c")
    turns = {"".join(order[i : i + 2]) for i in range(0, 16, 2)}
    assert turns == {"ab", "ba"}
    assert [len(sample.runs) for sample in taken] == [8, 0, 0]
    assert [sample.errors for sample in taken] == [[], ["b"] * 8, []]
    assert taken[2].not_offered == "c"


def run(
    found: Case, times: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> list[Sample]:
    without_a_guest(folder, monkeypatch)
    made = Measurement({"base": Build("base", folder)}, folder, Progress())
    asyncio.run(made.run([found], times))
    return made.samples


def without_a_guest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def choose(_build: Build, _image: Guest) -> Accel:
        return Accel("tcg", "")

    monkeypatch.setattr(kernel, "ensure", lambda _progress: Guest(folder))
    monkeypatch.setattr(accel, "choose", choose)


# What scripts/bench ends with for a case that is measured twice, and its samples.
Command = Callable[[Measure], tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def command(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    without_a_guest(project, monkeypatch)
    monkeypatch.setattr(build, "ensure", lambda name, *_rest: Build(name, project))

    def run_command(measure: Measure) -> tuple[int, list[dict[str, Any]]]:
        variant = Variant("old", "base", measure)
        known = {"a": Case("a", "A", "time", "ms", (variant,))}
        monkeypatch.setattr(bench, "BY_NAME", known)
        code = errors.main_guard(lambda: bench.main(["--json", "--repetitions", "2"]))
        return code, json.loads(capsys.readouterr().out)["samples"]

    return run_command


def runs(*results: float | BaseException) -> Measure:
    """What gives, or raises, these one after the other, and again the last."""
    left = list(results)

    async def measure(_lab: Lab) -> Figures:
        result = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(result, BaseException):
            raise result
        return {"time": result}

    return measure


@pytest.mark.parametrize(
    "error",
    [
        CommandFailed("a"),
        Died("a"),
        Hang("a"),
        Refused("a"),
        ConnectionResetError("a"),
    ],
    ids=repr,
)
def test_what_qemu_did_is_a_failed_run(command: Command, error: Exception) -> None:
    code, samples = command(runs(7, error))
    assert code == 1
    assert samples[0]["errors"] == ["a"]
    assert samples[0]["runs"] == [{"time": 7}]


def test_an_end_that_does_not_come_is_a_failed_run(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measurement, "RUN_SECONDS", 0.01)

    async def measure(_lab: Lab) -> Figures:
        await asyncio.Event().wait()
        return {}

    code, samples = command(measure)
    assert code == 1
    assert samples[0]["errors"] == ["no end within 0 s"] * 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "full"), DiskFull.exit_code),
        (VMLost("it did not start"), VMLost.exit_code),
        (KeyboardInterrupt(), errors.INTERRUPTED),
    ],
    ids=repr,
)
def test_what_qemu_did_not_do_ends_it_and_figures_are_kept(
    command: Command, error: BaseException, code: int
) -> None:
    found, samples = command(runs(7, error))
    assert found == code
    assert samples[0]["runs"] == [{"time": 7}]
    assert samples[0]["errors"] == []
    assert json.loads((paths.BUILD / "bench" / "bench.json").read_text())["samples"]


def test_a_full_disk_is_not_qemus_fault(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measurement, "LEAST_FREE", 1 << 60)
    code, samples = command(runs(7, Hang("no BLOCK_JOB_READY")))
    assert (code, samples[0]["errors"]) == (DiskFull.exit_code, [])


def test_what_can_not_be_kept_has_been_printed(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _text: str) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "write_text", full)
    code, samples = command(runs(7))
    assert code == DiskFull.exit_code
    assert len(samples[0]["runs"]) == 2


def test_figures_alone_are_a_success(command: Command) -> None:
    code, (sample,) = command(runs(7, 9))
    assert code == 0
    assert (sample["median"], len(sample["runs"])) == (8, 2)
    kept = sorted(path.name for path in (paths.BUILD / "bench").iterdir())
    assert kept == ["bench.json", "bench.png", "bench.svg"]


@pytest.mark.parametrize("arguments", [["--repetitions", "0"], ["--case", "none"]])
def test_bad_arguments_are_usage_errors(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as error:
        bench.main(arguments)
    assert error.value.code == 2
