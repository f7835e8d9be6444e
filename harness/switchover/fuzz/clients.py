# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of exports at the source, each of which writes to a disk beside the guest.

They have a region of their own, right after the guest's, and remember what they were
told is on disk. One that is refused a write has ended, and may be connected again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from ..guest import record
from ..guest.nbdclient import NBDClient, Unexpected
from ..judging.evidence import found
from ..judging.oracle import DiskEvidence

CONNECT_SECONDS = 1.5
SOCKET = "source-nbd.sock"
START = record.REGION_BYTES


class Clients:
    """The client of each disk that has ever had one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clients: dict[int, NBDClient] = {}

    async def connect(self, number: int) -> None:
        """Have a disk written to, if its export is there and QEMU answers."""
        made = NBDClient(_owner(number), START)
        client = self._clients.setdefault(number, made)
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
        for client in self._clients.values():
            await client.end()

    def disks(self, images: Mapping[int, Path | None]) -> list[DiskEvidence]:
        """What each was told is on disk, and what the side that goes on has."""
        by_chance = {"must_match": False, "written": False}
        there = {n: found(images[n], _owner(n), START) for n in self._clients}
        return [
            DiskEvidence(f"client{n}", None, client.acknowledged, there[n], **by_chance)
            for n, client in self._clients.items()
        ]


def _owner(number: int) -> int:
    """Whose records they are: nobody else's in any image."""
    return number + 100
