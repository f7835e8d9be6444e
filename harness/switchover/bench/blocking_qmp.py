# SPDX-License-Identifier: GPL-2.0-or-later
"""A QMP client that answers at once.

How long a guest stands still depends on its client, too. qemu.qmp takes 0.1 ms for each
message, and there are five for each disk between STOP and the answer to a pause; while
it works on them, QEMU has a processor less. A client in C, as libvirt is one, is idle
most of the time. So this one blocks, and the rest of the harness stands still with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

from ..core.socketpath import connected
from ..vm.commandline import second_socket
from ..vm.monitor import Event
from ..vm.vm import REPLY_SECONDS, VM, Died, Refused

# How long others may have to wait for a turn.
TURN_SECONDS = 0.2
SIZE = 1 << 16


class BlockingQMP:
    """A connection to the second monitor of a QEMU."""

    def __init__(self, vm: VM, connection: socket.socket) -> None:
        self._vm = vm
        self._connection = connection
        self._events: list[Event] = []
        self._answers: list[dict[str, Any]] = []
        self._rest = b""

    async def execute(self, command: str, **arguments: Any) -> None:
        """Run a command, its names as in QMP; raises Refused, Died, Hang."""
        request = {"execute": command, "arguments": arguments}
        self._connection.sendall(json.dumps(request).encode())
        deadline = time.monotonic() + REPLY_SECONDS
        while not self._answers:
            await self._receive(command, deadline)
        answer = self._answers.pop()
        if "error" in answer:
            raise Refused(f"{command}: {answer['error']['desc']}")

    async def event(self, name: str, seconds: float, **data: Any) -> None:
        """Wait for an event that none has waited for, with these members of data."""
        deadline = time.monotonic() + seconds
        looked_at = 0
        while True:
            for number in range(looked_at, len(self._events)):
                if self._events[number].matches(name, **data):
                    del self._events[number]
                    return
            looked_at = len(self._events)
            await self._receive(name, deadline)

    async def _receive(self, what: str, deadline: float) -> None:
        try:
            data = self._connection.recv(SIZE)
        except TimeoutError:
            await asyncio.sleep(0)
            if time.monotonic() > deadline:
                raise await self._vm.hang(f"no {what}") from None
            return
        if not data:
            raise Died(f"QEMU hung up before {what}")
        *lines, self._rest = (self._rest + data).split(b"\n")
        for message in map(json.loads, lines):
            if "event" in message:
                self._events.append(Event.of(message))
            elif "QMP" not in message:
                self._answers.append(message)


@contextlib.asynccontextmanager
async def connect(vm: VM) -> AsyncIterator[BlockingQMP]:
    """A client of a process, for an `async with`; raises OSError, and as execute()."""
    with connected(vm.folder, second_socket(vm.name), TURN_SECONDS) as connection:
        client = BlockingQMP(vm, connection)
        await client.execute("qmp_capabilities")
        yield client
