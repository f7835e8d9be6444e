# SPDX-License-Identifier: GPL-2.0-or-later
"""Asks a source all the time how it is, while a story goes on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from ..judging.evidence import Notes
from ..vm.pause import READY
from ..vm.vm import VM, Died

INTERVAL_SECONDS = 0.01


@contextlib.asynccontextmanager
async def watch(source: VM, notes: Notes) -> AsyncIterator[None]:
    """Note the longest time that a query took, in milliseconds.

    A guest that runs in `ready` is a surprise. That the source dies is none: the
    story or the judge will see it. On leaving, Hang is raised if there was one.
    """
    over = asyncio.Event()
    task = asyncio.create_task(_watch(source, notes, over))
    try:
        yield
    finally:
        # A command that was sent has to be answered: the monitor doesn't know what
        # to do with an answer that nobody waits for.
        over.set()
        await task


async def _watch(source: VM, notes: Notes, over: asyncio.Event) -> None:
    with contextlib.suppress(Died):
        while not over.is_set():
            await _look(source, notes)
            await asyncio.sleep(INTERVAL_SECONDS)


async def _look(source: VM, notes: Notes) -> None:
    ready = await _is_ready(source, notes)
    state = await _ask(source, "query-status", notes)
    if ready and state["running"]:
        # It may just have left it.
        still = await _is_ready(source, notes)
        notes.check(not still, "the guest runs in ready")


async def _is_ready(source: VM, notes: Notes) -> bool:
    info = await _ask(source, "query-migrate", notes)
    return info.get("status") == READY.status


async def _ask(source: VM, query: str, notes: Notes) -> dict[str, Any]:
    start = time.monotonic()
    answer: dict[str, Any] = await source.qmp(query)
    took = (time.monotonic() - start) * 1000
    notes.slowest = max(took, notes.slowest or 0)
    return answer
