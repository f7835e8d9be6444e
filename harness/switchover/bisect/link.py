# SPDX-License-Identifier: GPL-2.0-or-later
"""A slow wire between two local sockets, which needs no help of QEMU."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from ..core.socketpath import short

CHUNK = 64 << 10


class Link:
    """Forwards what comes in on `here` to `there`, both names in `folder`.

    Towards `there` it is limited to `rate` bytes per second, all connections
    together; 0 is no limit. The rate may change at any time.
    """

    def __init__(self, folder: Path, here: str, there: str) -> None:
        self.rate = 0
        self._folder = folder
        self._here = here
        self._there = there
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._free_at = 0.0

    async def open(self) -> None:
        """Start to listen."""
        listener = socket.socket(socket.AF_UNIX)
        with short(self._folder, self._here) as path:
            listener.bind(path)
        self._server = await asyncio.start_unix_server(self._serve, sock=listener)

    async def cut(self) -> None:
        """End every connection, and accept no further one."""
        if self._server:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            with short(self._folder, self._there) as path:
                connection = await asyncio.open_unix_connection(path)
        except OSError:
            writer.close()
            return
        ways = [
            asyncio.create_task(self._forward(reader, connection[1], limited=True)),
            asyncio.create_task(self._forward(connection[0], writer, limited=False)),
        ]
        self._tasks.update(ways)

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        limited: bool,
    ) -> None:
        try:
            while data := await reader.read(CHUNK):
                if limited:
                    await self._take_time(len(data))
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _take_time(self, count: int) -> None:
        """Wait as long as the wire needs for `count` bytes."""
        loop = asyncio.get_running_loop()
        if self.rate:
            start = max(loop.time(), self._free_at)
            self._free_at = start + count / self.rate
            await asyncio.sleep(self._free_at - loop.time())
