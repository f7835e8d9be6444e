# SPDX-License-Identifier: GPL-2.0-or-later
"""Watch: how long a source takes to answer, and whether its guest runs in `ready`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fake_vm import FakeVM

from switchover.judging.evidence import Notes
from switchover.stories import responsiveness
from switchover.vm.vm import Died, Hang


def watched(source: FakeVM) -> Notes:
    """What was noted in a story that ends at once: the source is asked twice."""
    notes = Notes()

    async def story() -> None:
        await responsiveness._look(source, notes)
        async with responsiveness.watch(source, notes):
            await asyncio.sleep(0)

    asyncio.run(story())
    return notes


def source(status: str | list[dict[str, str]], running: bool) -> FakeVM:
    info = status if isinstance(status, list) else {"status": status}
    return FakeVM(query_migrate=info, query_status={"running": running})


def test_the_slowest_answer_is_noted() -> None:
    notes = watched(source("active", running=True))
    assert notes.slowest is not None and notes.slowest >= 0
    assert not notes.surprises


def test_a_faster_answer_is_not() -> None:
    notes = Notes(slowest=1e6)
    asyncio.run(responsiveness._look(source("active", running=True), notes))
    assert notes.slowest == 1e6


def test_a_guest_that_runs_in_ready_is_a_surprise() -> None:
    assert watched(source("ready", running=True)).surprises
    assert not watched(source("ready", running=False)).surprises


def test_a_migration_that_has_just_left_ready_is_none() -> None:
    left = [{"status": s} for s in ("ready", "cancelled", "cancelled")]
    assert not watched(source(left, running=True)).surprises


@pytest.mark.parametrize(("error", "passes"), [(Died, False), (Hang, True)])
def test_a_death_is_no_hang(error: type[Exception], passes: bool) -> None:
    class Lost(FakeVM):
        async def qmp(self, command: str, **_: Any) -> Any:
            raise error(command)

    async def story() -> None:
        async with responsiveness.watch(Lost(), Notes()):
            await asyncio.sleep(0)

    if passes:
        with pytest.raises(error):
            asyncio.run(story())
    else:
        asyncio.run(story())
