# SPDX-License-Identifier: GPL-2.0-or-later
"""The ways of a migration's stream from the source to the destination."""

from __future__ import annotations

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


def to(destination: str) -> dict[str, Transport]:
    """The transports to the destination of that name, by name."""
    stream = f"{destination}.stream"
    unix = _socket(type="unix", path=f"{destination}.migration")
    tcp = _socket(type="inet", host="127.0.0.1", port="0")
    fd = _socket(type="fd", str=stream)
    file = {"transport": "file", "filename": stream, "offset": 0}
    return {
        "socket": Transport(unix, unix, live=True),
        "tcp": Transport(tcp, None, live=True),
        "fd": Transport(fd, fd, live=True, descriptor=stream),
        "file": Transport(file, file),
        "exec": Transport(_shell(f"cat {stream}"), _shell(f"cat > {stream}")),
    }


def _socket(**where: str) -> Address:
    return {"transport": "socket", **where}


def _shell(command: str) -> Address:
    return {"transport": "exec", "args": ["/bin/sh", "-c", command]}
