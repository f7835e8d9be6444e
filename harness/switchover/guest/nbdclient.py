# SPDX-License-Identifier: GPL-2.0-or-later
"""A client of an NBD export that writes records, and remembers the acknowledged ones.

As much of the protocol as that takes: fixed newstyle negotiation, one write at a time,
each with FUA, simple replies. QEMU's docs/interop/nbd.rst tells where it is specified.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from pathlib import Path

from ..core.socketpath import short
from . import record

# Of the protocol: flags of the handshake, options, commands, flags of commands.
FIXED_NEWSTYLE, NO_ZEROES = 1, 2
OPTION_GO = 7
REPLY_ACK = 1
WRITE = 1
FUA = 1
OPTION = struct.Struct(">8sII")
OPTION_REPLY = struct.Struct(">QIII")
REQUEST = struct.Struct(">IHHQQI")
REPLY = struct.Struct(">IIQ")
REQUEST_MAGIC, REPLY_MAGIC = 0x25609513, 0x67446698
GREETING_BYTES = 18
INTERVAL_SECONDS = 0.04


class Unexpected(Exception):
    """The server did not answer as the protocol has it."""


class NBDClient:
    """Writes records of disk `number` until it is ended, and on if connected again.

    The region for them begins at byte `start`.
    `acknowledged` has the newest sequence number by slot; `last` is the last one that
    was sent. It ends by itself when the server refuses a write or is gone.
    """

    def __init__(self, number: int, start: int = 0) -> None:
        self.acknowledged: record.Slots = {}
        self.last = 0
        self._number = number
        self._start = start
        self._task: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def writes(self) -> bool:
        """Whether it still does."""
        return self._task is not None and not self._task.done()

    async def connect(self, socket: Path, export: str) -> None:
        """Connect, and start to write; raises OSError, EOFError, Unexpected."""
        await self.end()
        with short(socket.parent, socket.name) as path:
            reader, self._writer = await asyncio.open_unix_connection(path)
        await self._negotiate(reader, self._writer, export.encode())
        self._task = asyncio.create_task(self._write(reader, self._writer))

    async def end(self) -> None:
        """Disconnect, whatever is under way."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._writer:
            self._writer.close()

    async def _negotiate(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        export: bytes,
    ) -> None:
        greeting = await reader.readexactly(GREETING_BYTES)
        if not greeting.startswith(b"NBDMAGICIHAVEOPT"):
            raise Unexpected(f"greeting {greeting!r}")
        name = struct.pack(">I", len(export)) + export + struct.pack(">H", 0)
        writer.write(struct.pack(">I", FIXED_NEWSTYLE | NO_ZEROES))
        writer.write(OPTION.pack(b"IHAVEOPT", OPTION_GO, len(name)) + name)
        while True:
            answer = await reader.readexactly(OPTION_REPLY.size)
            _, _, kind, length = OPTION_REPLY.unpack(answer)
            text = await reader.readexactly(length)
            if kind == REPLY_ACK:
                return
            if kind & 1 << 31:
                raise Unexpected(f"option refused: {text!r}")

    async def _write(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self.last += 1
                slot = self.last % record.SLOTS
                data = record.pack(self._number, self.last)
                place = (self._start + slot * record.RECORD_BYTES, len(data))
                writer.write(REQUEST.pack(REQUEST_MAGIC, FUA, WRITE, self.last, *place))
                writer.write(data)
                reply = await reader.readexactly(REPLY.size)
                magic, error, _ = REPLY.unpack(reply)
                if magic != REPLY_MAGIC or error:
                    return
                self.acknowledged[slot] = self.last
                await asyncio.sleep(INTERVAL_SECONDS)
