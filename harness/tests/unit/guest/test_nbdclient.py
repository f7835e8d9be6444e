# SPDX-License-Identifier: GPL-2.0-or-later
"""The client believes what a server says, and no more."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from switchover.guest import nbdclient, record
from switchover.guest.nbdclient import NBDClient, Unexpected


class Server:
    """Answers one client; the write with number `refused` with an error.

    What the writes are asked to be, besides, is in `flags`.
    """

    magic = nbdclient.REPLY_MAGIC

    def __init__(self, refused: int = 0, export: bytes = b"out") -> None:
        self.disk = bytearray(2 * record.REGION_BYTES)
        self.flags: set[int] = set()
        self._refused = refused
        self._export = export

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"NBDMAGICIHAVEOPT\0\1")
        await reader.readexactly(4)
        header = await reader.readexactly(nbdclient.OPTION.size)
        length = nbdclient.OPTION.unpack(header)[2]
        known = self._export in await reader.readexactly(length)
        kind = nbdclient.REPLY_ACK if known else 1 << 31 | 6
        writer.write(nbdclient.OPTION_REPLY.pack(0, nbdclient.OPTION_GO, kind, 0))
        while header := await reader.read(nbdclient.REQUEST.size):
            request = nbdclient.REQUEST.unpack(header)
            _, flags, _, cookie, offset, length = request
            self.flags.add(flags)
            data = await reader.readexactly(length)
            error = 1 if cookie == self._refused else 0
            if not error:
                self.disk[offset : offset + length] = data
            writer.write(nbdclient.REPLY.pack(self.magic, error, cookie))
        writer.close()


async def talk(server: Server, socket: Path, client: NBDClient, last: int = 4) -> None:
    async with await asyncio.start_unix_server(server.serve, socket):
        await client.connect(socket, "out")
        for _ in range(1000):
            if client.last >= last:
                break
            await asyncio.sleep(0.01)
        await client.end()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nbdclient, "INTERVAL_SECONDS", 0)


@pytest.mark.parametrize("start", [0, record.REGION_BYTES])
def test_what_is_acknowledged_is_on_disk(tmp_path: Path, start: int) -> None:
    server, client = Server(), NBDClient(3, start)
    asyncio.run(talk(server, tmp_path / "s", client))
    found = record.read(bytes(server.disk[start:]), 3)
    assert server.flags == {nbdclient.FUA}
    assert client.acknowledged.keys() >= {1, 2, 3}
    # The last write may have come to its place without having been acknowledged.
    assert all(found[slot] >= last for slot, last in client.acknowledged.items())


def test_a_refused_write_is_not_acknowledged(tmp_path: Path) -> None:
    server, client = Server(refused=4), NBDClient(3)
    asyncio.run(talk(server, tmp_path / "s", client))
    assert client.acknowledged == {1: 1, 2: 2, 3: 3}


def test_what_is_no_answer_acknowledges_nothing(tmp_path: Path) -> None:
    server, client = Server(), NBDClient(3)
    server.magic += 1
    asyncio.run(talk(server, tmp_path / "s", client, last=1))
    assert client.acknowledged == {}


def test_one_that_is_connected_again_writes_on(tmp_path: Path) -> None:
    server, client = Server(refused=4), NBDClient(3)
    with asyncio.Runner() as runner:
        for name, last in (("s", 4), ("t", 7)):
            runner.run(talk(server, tmp_path / name, client, last))
    assert client.acknowledged.keys() >= {1, 2, 3, 5, 6}
    # The one that was refused is not sent again.
    assert client.acknowledged.get(4) != 4


def test_an_export_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unexpected):
        asyncio.run(talk(Server(export=b"other"), tmp_path / "s", NBDClient(3)))
