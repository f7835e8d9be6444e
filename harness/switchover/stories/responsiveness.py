# SPDX-License-Identifier: GPL-2.0-or-later
"""Asks a source all the time how it is, while a story goes on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from types import TracebackType
from typing import Any

from ..judging.notes import Notes
from ..vm.pause import READY
from ..vm.vm import VM, Died

INTERVAL_SECONDS = 0.01


class Watch:
    """Notes the longest time that a query took, in milliseconds.

    A guest that runs in `ready` is a surprise. That the source dies is none: the
    story or the judge will see it. On leaving, Hang is raised if there was one.
    """

    def __init__(self, source: VM, notes: Notes) -> None:
        self._source = source
        self._notes = notes
        self._over = False

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._watch())

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # A command that was sent has to be answered: the monitor doesn't know what
        # to do with an answer that nobody waits for.
        self._over = True
        await self._task

    async def _watch(self) -> None:
        with contextlib.suppress(Died):
            while not self._over:
                await self._look()
                await asyncio.sleep(INTERVAL_SECONDS)

    async def _look(self) -> None:
        ready = await self._is_ready()
        state = await self._ask("query-status")
        if ready and state["running"]:
            # It may just have left it.
            still = await self._is_ready()
            self._notes.check(not still, "the guest runs in ready")

    async def _is_ready(self) -> bool:
        info = await self._ask("query-migrate")
        return info.get("status") == READY.status

    async def _ask(self, query: str) -> dict[str, Any]:
        start = time.monotonic()
        answer: dict[str, Any] = await self._source.qmp(query)
        took = (time.monotonic() - start) * 1000
        self._notes.slowest = max(took, self._notes.slowest or 0)
        return answer
