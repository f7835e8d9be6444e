# SPDX-License-Identifier: GPL-2.0-or-later
"""Speaks just enough QMP on the file descriptor that VM hands to QEMU.

It reads its command line as QEMU does: `-chardev socket,id=monitor,fd=N`. Each
command does what its name says; an unknown one is answered with an error.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

LATER_SECONDS = 0.2


def connection(name: str) -> socket.socket:
    pattern = rf"socket,id={name},fd=(\d+)"
    found = next(m for a in sys.argv if (m := re.match(pattern, a)))
    return socket.socket(fileno=int(found[1]))


class Server:
    def __init__(self) -> None:
        self._socket = connection("monitor")
        self._console = connection("console")

    def send(self, message: dict[str, Any]) -> None:
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def event(self, name: str, microseconds: int, **data: Any) -> None:
        stamp = {"seconds": 100, "microseconds": microseconds}
        self.send({"event": name, "data": data, "timestamp": stamp})

    def serve(self) -> None:
        version = {"qemu": {"major": 10, "minor": 2, "micro": 2}, "package": ""}
        self.send({"QMP": {"version": version, "capabilities": []}})
        for request in self.requests():
            reply = {key: request[key] for key in request.keys() & {"id"}}
            self.handle(request["execute"], reply)

    def requests(self) -> Iterator[dict[str, Any]]:
        """What comes in; a request ends where its JSON does, not with a line."""
        text = ""
        while data := self._socket.recv(4096):
            text += data.decode()
            while text:
                request, end = json.JSONDecoder().raw_decode(text)
                text = text[end:].lstrip()
                yield request

    def handle(self, command: str, reply: dict[str, Any]) -> None:
        if command == "say-nothing":
            return
        if command == "abort":
            print("Assertion `false' failed.", file=sys.stderr, flush=True)
            self.event("LAST", 9)
            os.abort()
        if command == "unheard-of":
            error = {"class": "CommandNotFound", "desc": "never heard of it"}
            self.send({**reply, "error": error})
            return
        if command == "two-events":
            self.event("LATE", 2, id="m0")
            self.event("EARLY", 1, id="m0")
        if command == "talk":
            self._console.sendall(b"ACK 0 1\r\nACK 0 2\r\nACK 1")
        self.send({**reply, "return": {}})
        if command == "event-later":
            time.sleep(LATER_SECONDS)
            self.event("LATER", 1, id="m0")
        if command == "quit":
            sys.exit(0)


Server().serve()
