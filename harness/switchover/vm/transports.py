# SPDX-License-Identifier: GPL-2.0-or-later
"""The ways of a migration's stream from the source to the destination."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# What is in the channel's "addr".
Address = dict[str, Any]


@dataclass(frozen=True)
class Transport:
    """Where the source writes the stream to, and where the destination finds it.

    If it is `live` the destination has to listen first, else the stream has to be
    complete before the destination reads it. Without `outgoing` the destination
    tells where it listens. `descriptor` is the name under which each side has to
    be given one end of a socket pair.
    """

    incoming: Address
    outgoing: Address | None
    live: bool = False
    descriptor: str | None = None


def channels(address: Address) -> list[dict[str, Any]]:
    """The argument `channels` of migrate and migrate-incoming."""
    return [{"channel-type": "main", "addr": address}]


def _socket(name: str) -> Transport:
    address = {"transport": "socket", "type": "unix", "path": f"{name}.migration"}
    return Transport(address, address, live=True)


def _tcp(_name: str) -> Transport:
    address = {"transport": "socket", "type": "inet", "host": "127.0.0.1", "port": "0"}
    return Transport(address, None, live=True)


def _fd(name: str) -> Transport:
    descriptor = f"{name}.stream"
    address = {"transport": "socket", "type": "fd", "str": descriptor}
    return Transport(address, address, live=True, descriptor=descriptor)


def _file(name: str) -> Transport:
    address = {"transport": "file", "filename": f"{name}.stream", "offset": 0}
    return Transport(address, address)


def _exec(name: str) -> Transport:
    return Transport(
        incoming=_shell(f"cat {name}.stream"),
        outgoing=_shell(f"cat > {name}.stream"),
    )


def _shell(command: str) -> Address:
    return {"transport": "exec", "args": ["/bin/sh", "-c", command]}


# By name; each makes a transport to the destination of that name.
TRANSPORTS: dict[str, Callable[[str], Transport]] = {
    "socket": _socket,
    "tcp": _tcp,
    "fd": _fd,
    "file": _file,
    "exec": _exec,
}
