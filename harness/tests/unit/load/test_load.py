# SPDX-License-Identifier: GPL-2.0-or-later
"""What grows is found, and what is lost; what only varies is not."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest
from fake_vm import FakeVM

from switchover.commands import load
from switchover.core.errors import VMLost
from switchover.guest.nbdclient import NBDClient, Unexpected
from switchover.judging.oracle import Verdict
from switchover.load.repeated import RepeatedMigration
from switchover.load.usage import Usage, growth
from switchover.qemu import build
from switchover.qemu.build import Build
from switchover.vm.vm import VM, Died, Hang, Refused


def usages(*pairs: tuple[int, int]) -> list[Usage]:
    return [Usage(*pair) for pair in pairs]


def test_descriptors_must_not_grow_at_all() -> None:
    assert growth(usages((9, 100), (9, 100), (10, 100))) == [
        "descriptors grow from 9 to 10"
    ]


def test_memory_may_vary_but_not_grow() -> None:
    assert growth(usages((9, 100), (9, 107), (9, 103))) == []
    assert growth(usages((9, 100), (9, 107), (9, 115))) == [
        "memory grows from 100 to 115 KiB"
    ]


def test_one_alone_tells_nothing() -> None:
    assert growth(usages((9, 100))) == growth([]) == []


def process(number: int) -> VM:
    return cast(VM, SimpleNamespace(name="x", pid=number))


def test_what_a_process_needs() -> None:
    usage = Usage.of(process(os.getpid()))
    assert usage.descriptors > 2 and usage.kib > 1000
    with pytest.raises(Died):
        Usage.of(process(1 << 30))


@pytest.fixture(autouse=True)
def made(project: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    made = Build("patched", project)
    monkeypatch.setattr(build, "ensure", lambda *_: made)
    monkeypatch.setattr(RepeatedMigration, "remove_images", lambda _: None)
    return made


def ends(
    monkeypatch: pytest.MonkeyPatch, found: Verdict | Exception, *needed: Usage
) -> None:
    """Have a run end like this, after processes have needed so much."""

    async def run(repeated: RepeatedMigration, *_: object) -> Verdict:
        repeated.usages += needed
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(RepeatedMigration, "run", run)


LOST = Verdict(blocks_lost=1)
GROWN = [(9, 100), (10, 100)]


@pytest.mark.parametrize(
    "found, needed, code",
    [
        (Verdict(), [(9, 100), (9, 100)], 0),
        (Verdict(), GROWN, 1),
        (LOST, [(9, 100), (9, 100)], 1),
    ],
)
def test_what_is_lost_or_grows_decides(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    found: Verdict,
    needed: list[tuple[int, int]],
    code: int,
) -> None:
    ends(monkeypatch, found, *usages(*needed))
    assert load.main(["--json"]) == code
    assert bool(json.loads(capsys.readouterr().out)["wrong"]) == bool(code)


@pytest.mark.parametrize("found", [Verdict(), LOST])
def test_the_images_of_what_is_lost_are_kept(
    monkeypatch: pytest.MonkeyPatch, found: Verdict
) -> None:
    removed = Mock()
    monkeypatch.setattr(RepeatedMigration, "remove_images", removed)
    ends(monkeypatch, found)
    load.main([])
    assert removed.called == (found != LOST)


def test_how_many_migrations_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def run(_: RepeatedMigration, rounds: int, done: Any) -> Verdict:
        asked.append(rounds)
        done(rounds)
        return Verdict()

    asked: list[int] = []
    monkeypatch.setattr(RepeatedMigration, "run", run)
    assert load.main(["--rounds", "2"]) == 0
    with pytest.raises(SystemExit):
        load.main(["--rounds", "1"])
    assert asked == [2]
    assert "one migration has nothing to be compared" in capsys.readouterr().err


def test_the_attempts_of_the_last_process_must_not_grow_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run(repeated: RepeatedMigration, *_: object) -> Verdict:
        repeated.attempts += usages(*GROWN)
        return Verdict()

    monkeypatch.setattr(RepeatedMigration, "run", run)
    assert load.main([]) == 1


ENOSPC = OSError(errno.ENOSPC, "full")


@pytest.mark.parametrize("error", [VMLost("x"), ENOSPC])
def test_what_is_no_fault_of_qemu_is_raised_after_what_was_found(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
) -> None:
    ends(monkeypatch, error, *usages(*GROWN))
    with pytest.raises(type(error)):
        load.main([])
    said = capsys.readouterr()
    assert "2 migrations" in said.out and "descriptors grow" in said.err


def verdict(
    made: Build, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> tuple[str, ...]:
    """What is wrong when a process has been started, and then this happens."""

    async def migrate(repeated: RepeatedMigration, *_: object) -> None:
        repeated._vms.append(cast(VM, FakeVM()))
        raise error

    monkeypatch.setattr(RepeatedMigration, "_run", migrate)
    repeated = RepeatedMigration(made, made.directory)
    found = asyncio.run(repeated.run(1, lambda _: None))
    return (*found.surprises, found.hang or "")


def test_what_is_qemus_fault(made: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (Died("x"), Refused("x"), Unexpected("x")):
        assert verdict(made, monkeypatch, error) == ("x", "")
    assert verdict(made, monkeypatch, Hang("x")) == ("x",)


@pytest.mark.parametrize("error", [VMLost("x"), ENOSPC, FileNotFoundError("gdb")])
def test_what_is_not(
    made: Build, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with pytest.raises(type(error)):
        verdict(made, monkeypatch, error)


@pytest.mark.parametrize(
    "error, raised",
    [
        (TimeoutError(), Hang),
        (ConnectionRefusedError(), Unexpected),
        (EOFError(), Unexpected),
        (ENOSPC, OSError),
    ],
)
def test_a_client_that_can_not_connect(
    made: Build, error: Exception, raised: type[Exception]
) -> None:
    class Client:
        async def connect(self, *_: Any) -> None:
            raise error

    repeated = RepeatedMigration(made, made.directory)
    repeated._clients[1] = cast(NBDClient, Client())
    with pytest.raises(raised, match=None if error is ENOSPC else "out1"):
        now = cast(VM, FakeVM())
        asyncio.run(repeated._connect(now, 1))
