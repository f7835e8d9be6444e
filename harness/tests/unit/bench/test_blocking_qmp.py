# SPDX-License-Identifier: GPL-2.0-or-later
"""The client that answers at once."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from fake_vm import FakeVM

from switchover.bench import blocking_qmp
from switchover.bench.blocking_qmp import BlockingQMP
from switchover.core.socketpath import short
from switchover.vm.commandline import second_socket
from switchover.vm.vm import Died, Hang, Refused

NAME = second_socket("fake")
GREETING: dict[str, Any] = {"QMP": {}}
NEGOTIATED = {"return": {}, "id": "qmp_capabilities"}


def serve(folder: Path, *answers: list[dict[str, Any]]) -> list[str]:
    """A monitor that gives the next messages at each command; the commands it got."""
    commands: list[str] = []
    listener = socket.socket(socket.AF_UNIX)
    with short(folder, NAME) as path:
        listener.bind(path)
    listener.listen()

    def answer() -> None:
        connection, _ = listener.accept()
        with listener, connection:
            for messages in ([GREETING, NEGOTIATED], *answers):
                commands.append(json.loads(connection.recv(4096))["execute"])
                for message in messages:
                    connection.sendall(json.dumps(message).encode() + b"\r\n")
            if not answers:
                # Says nothing, and is there until the client is gone.
                connection.recv(1)

    threading.Thread(target=answer, daemon=True).start()
    return commands


def ask(folder: Path, questions: Callable[[BlockingQMP], Awaitable[None]]) -> None:
    vm: Any = FakeVM()
    vm.folder = folder

    async def run() -> None:
        async with blocking_qmp.connect(vm) as client:
            await questions(client)

    asyncio.run(run())


def event(name: str, **data: Any) -> dict[str, Any]:
    timestamp = {"seconds": 1, "microseconds": 0}
    return {"event": name, "data": data, "timestamp": timestamp}


def test_events_are_kept_until_somebody_waits_for_them(tmp_path: Path) -> None:
    early, late = event("A", status="early", x=[1]), event("A", status="late")
    commands = serve(tmp_path, [early, late, {"return": {}, "id": "stop"}])

    async def questions(client: BlockingQMP) -> None:
        await client.execute("stop")
        await client.event("A", 5, status="late")
        await client.event("A", 5)

    ask(tmp_path, questions)
    assert commands == ["qmp_capabilities", "stop"]


def test_an_error_is_refused(tmp_path: Path) -> None:
    serve(tmp_path, [{"error": {"desc": "no"}, "id": "cont"}])
    with pytest.raises(Refused, match="cont: no"):
        ask(tmp_path, lambda client: client.execute("cont"))


def test_the_end_of_qemu_is_noticed(tmp_path: Path) -> None:
    serve(tmp_path, [])
    with pytest.raises(Died, match="before quit"):
        ask(tmp_path, lambda client: client.execute("quit"))


def test_others_have_their_turn_and_there_is_a_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocking_qmp, "TURN_SECONDS", 0.01)
    serve(tmp_path)

    async def questions(client: BlockingQMP) -> None:
        turn = asyncio.create_task(asyncio.sleep(0))
        # Of the VM's making: that one has a backtrace.
        with pytest.raises(Hang, match="^fake: no A"):
            await client.event("A", 0.05)
        assert turn.done()

    ask(tmp_path, questions)
