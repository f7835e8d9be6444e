# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of exports at the source, each of which writes to a disk beside the guest.

They have a region of their own, right after the guest's, and remember what they were
told is on disk. One that is refused a write has ended, and may be followed by another.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path

from ..guest import record
from ..guest.nbdclient import NBDClient, Unexpected
from ..judging.evidence import found
from ..judging.oracle import DiskEvidence

CONNECT_SECONDS = 1.5
SOCKET = "source-nbd.sock"
START = record.REGION_BYTES


class Clients:
    """The client of each disk, if there is one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clients: dict[int, NBDClient] = {}
        self._written: dict[int, record.Slots] = defaultdict(dict)

    async def connect(self, number: int) -> None:
        """Have a disk written to, if its export is there and QEMU answers."""
        first = 1
        if former := self._clients.pop(number, None):
            await self._end(number, former)
            first = former.last + 1
        client = NBDClient(_owner(number), first, START)
        self._clients[number] = client
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await client.connect(self._folder / SOCKET, f"client{number}")
        except (OSError, EOFError, Unexpected):
            # There is no such export, or QEMU has other things to do.
            await client.end()

    def writes(self, number: int) -> bool:
        """Whether a disk is being written to."""
        return number in self._clients and self._clients[number].writes

    async def end(self) -> None:
        """End all of them."""
        for number, client in self._clients.items():
            await self._end(number, client)

    async def _end(self, number: int, client: NBDClient) -> None:
        await client.end()
        self._written[number].update(client.acknowledged)

    def disk(self, number: int, image: Path | None) -> DiskEvidence:
        """What was acknowledged, and what is in the image of the side that goes on."""
        there = found(image, _owner(number), START)
        by_chance = {"must_match": False, "written": False}
        told = self._written[number]
        return DiskEvidence(f"client{number}", None, told, there, **by_chance)


def _owner(number: int) -> int:
    """Whose records they are: nobody else's in any image."""
    return number + 100
