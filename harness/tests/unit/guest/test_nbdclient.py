# SPDX-License-Identifier: GPL-2.0-or-later
"""The client believes what a server says, and no more."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from switchover.guest import nbdclient, record
from switchover.guest.nbdclient import NBDClient, Unexpected


class Server:
    """Answers one client; the write with number `refused` with an error."""

    def __init__(self, refused: int = 0, export: bytes = b"out") -> None:
        self.disk = bytearray(record.REGION_BYTES)
        self._refused = refused
        self._export = export

    async def serve(self, reader: asyncio.StreamReader, writer) -> None:
        writer.write(b"NBDMAGICIHAVEOPT\0\1")
        await reader.readexactly(4)
        header = await reader.readexactly(nbdclient.OPTION.size)
        length = nbdclient.OPTION.unpack(header)[2]
        known = self._export in await reader.readexactly(length)
        kind = nbdclient.REPLY_ACK if known else 1 << 31 | 6
        writer.write(nbdclient.OPTION_REPLY.pack(0, nbdclient.OPTION_GO, kind, 0))
        while header := await reader.read(nbdclient.REQUEST.size):
            *_, cookie, offset, length = nbdclient.REQUEST.unpack(header)
            data = await reader.readexactly(length)
            error = 1 if cookie == self._refused else 0
            if not error:
                self.disk[offset : offset + length] = data
            magic = nbdclient.REPLY_MAGIC
            writer.write(nbdclient.REPLY.pack(magic, error, cookie))
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


def test_what_is_acknowledged_is_on_disk(tmp_path: Path) -> None:
    server, client = Server(), NBDClient(3)
    asyncio.run(talk(server, tmp_path / "s", client))
    found = record.read(bytes(server.disk), 3)
    assert client.acknowledged.keys() >= {1, 2, 3}
    # The last write may have come to its place without having been acknowledged.
    assert all(found[slot] >= last for slot, last in client.acknowledged.items())


def test_a_refused_write_is_not_acknowledged(tmp_path: Path) -> None:
    server, client = Server(refused=4), NBDClient(3)
    asyncio.run(talk(server, tmp_path / "s", client))
    assert client.acknowledged == {1: 1, 2: 2, 3: 3}


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
