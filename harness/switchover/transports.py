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
    complete before the destination reads it.
    """

    outgoing: Address
    incoming: Address
    live: bool = False


def channels(address: Address) -> list[dict[str, Any]]:
    """The argument `channels` of migrate and migrate-incoming."""
    return [{"channel-type": "main", "addr": address}]


def _socket(name: str) -> Transport:
    address = {"transport": "socket", "type": "unix", "path": f"{name}.migration"}
    return Transport(address, address, live=True)


def _file(name: str) -> Transport:
    address = {"transport": "file", "filename": f"{name}.stream", "offset": 0}
    return Transport(address, address)


def _exec(name: str) -> Transport:
    return Transport(
        _shell(f"cat > {name}.stream"),
        _shell(f"cat {name}.stream"),
    )


def _shell(command: str) -> Address:
    return {"transport": "exec", "args": ["/bin/sh", "-c", command]}


# By name; each makes a transport to the destination of that name.
TRANSPORTS: dict[str, Callable[[str], Transport]] = {
    "socket": _socket,
    "file": _file,
    "exec": _exec,
}
