# SPDX-License-Identifier: GPL-2.0-or-later
"""What one QEMU can be told: by what it says of itself, not by its version."""

from __future__ import annotations

from typing import Any

from ..vm.vm import VM


class Unsuitable(Exception):
    """This QEMU has not what a scenario needs; str() says what."""


class Dialect:
    """Commands and their arguments, from query-commands and query-qmp-schema."""

    def __init__(self, commands: set[str], schema: list[dict[str, Any]]) -> None:
        self.commands = commands
        self._schema = {(item["meta-type"], item["name"]): item for item in schema}

    @classmethod
    async def of(cls, vm: VM) -> Dialect:
        """Ask a process."""
        commands = {item["name"] for item in await vm.qmp("query-commands")}
        return cls(commands, await vm.qmp("query-qmp-schema"))

    def has(self, command: str) -> bool:
        """Whether there is such a command."""
        return command in self.commands

    def need(self, *commands: str) -> None:
        """Raise Unsuitable unless it has all these commands."""
        for command in commands:
            if not self.has(command):
                raise Unsuitable(f"it has no {command}")

    def takes(self, command: str, argument: str) -> bool:
        """Whether a command has such an argument."""
        known = self._schema.get(("command", command))
        if not known:
            return False
        members = self._schema.get(("object", known["arg-type"]), {})
        return any(item["name"] == argument for item in members.get("members", []))

    def migrate(self, uri: str) -> tuple[str, dict[str, Any]]:
        """The command that starts a migration to `uri`, and its arguments."""
        return "migrate", self._channel("migrate", uri)

    def incoming(self, uri: str) -> tuple[str, dict[str, Any]]:
        """The command that lets a destination listen at `uri`."""
        return "migrate-incoming", self._channel("migrate-incoming", uri)

    def _channel(self, command: str, uri: str) -> dict[str, Any]:
        if self.takes(command, "uri"):
            return {"uri": uri}
        kind, where = uri.split(":", 1)
        if kind == "exec":
            address = {"transport": "exec", "args": ["/bin/sh", "-c", where]}
        else:
            address = {"transport": "socket", "type": "unix", "path": where}
        return {"channels": [{"channel-type": "main", "addr": address}]}

    def bandwidth(self, rate: int) -> tuple[str, dict[str, Any]]:
        """The command that limits a migration to `rate` bytes per second."""
        if self.takes("migrate-set-parameters", "max-bandwidth"):
            return "migrate-set-parameters", {"max_bandwidth": rate}
        return "migrate_set_speed", {"value": rate}

    def export(self, node: str) -> tuple[str, dict[str, Any]]:
        """The command that exports a node, writable and by its own name."""
        if self.has("nbd-server-add"):
            return "nbd-server-add", {"device": node, "writable": True}
        export = {"id": node, "node_name": node, "name": node, "writable": True}
        return "block-export-add", {"type": "nbd", **export}

    def add_file(self, node: str, filename: str) -> dict[str, Any]:
        """The arguments of blockdev-add for a raw file."""
        file = {"driver": "file", "filename": filename}
        options = {"driver": "raw", "node-name": node, "file": file}
        # Until 2.8 they were one argument, and had names that were no nodes'.
        if self.takes("blockdev-add", "options"):
            return {"options": options}
        return options
