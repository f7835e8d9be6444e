# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest's serial console, read as it comes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Callable, Iterable

from ..guest import record

CHUNK = 1 << 16


class Console:
    """Calls `notify` after each piece of text that it has read."""

    def __init__(self, notify: Callable[[], None]) -> None:
        self.text = ""
        self._notify = notify
        self._reader: asyncio.Task[None] | None = None

    async def connect(self, connection: socket.socket) -> None:
        """Start reading from a connected socket."""
        reader, writer = await asyncio.open_connection(sock=connection)
        self._reader = asyncio.create_task(self._read(reader, writer))

    async def end(self) -> None:
        """Wait until all has been read, which the other side's end brings."""
        if self._reader:
            await self._reader

    def acknowledged(self) -> Counter[int]:
        """How many records were acknowledged so far, by disk."""
        return Counter(disk for disk, _ in record.acknowledgements(self.text))

    def further(self, disks: Iterable[int], count: int) -> Callable[[], bool | None]:
        """A probe: whether each disk has so many records more by then."""
        before = self.acknowledged()

        def more() -> bool | None:
            now = self.acknowledged()
            return all(now[i] >= before[i] + count for i in disks) or None

        return more

    async def _read(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(ConnectionResetError):
            while data := await reader.read(CHUNK):
                self.text += data.decode(errors="replace")
                self._notify()
        writer.close()
