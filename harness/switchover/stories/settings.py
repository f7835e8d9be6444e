# SPDX-License-Identifier: GPL-2.0-or-later
"""The capabilities and the parameters of migrations from a source."""

from __future__ import annotations

import secrets
from collections.abc import Container

from ..guest import disk
from ..vm import pause
from ..vm.vm import VM

# In bytes per second: the RAM of a guest takes far longer than any scenario.
SLOW_BANDWIDTH = disk.MIB
# In milliseconds; the longest that QEMU takes.
LONG_DOWNTIME = 2_000_000
TLS_KEY_BYTES = 32


class Settings:
    """What is said to the source alone, and what a destination has to know as well."""

    def __init__(self, source: VM, destination: VM) -> None:
        self._source = source
        self._destination = destination
        self._agreed: list[str] = []

    async def capability(self, name: str) -> None:
        """Set a capability of the source."""
        await _set_capability(self._source, name)

    async def pausing(self) -> None:
        """Have migrations pause before they switch over, in the newest way."""
        await self.capability((await pause.newest(self._source)).capability)

    async def agree(self, *names: str) -> None:
        """Set capabilities of both sides, also of destinations to come."""
        self._agreed += names
        for name in names:
            await self.capability(name)
            await _set_capability(self._destination, name)

    async def tell(self, destination: VM) -> None:
        """Agree on the same with another destination."""
        self._destination = destination
        for name in self._agreed:
            await _set_capability(destination, name)

    async def capabilities_but(self, kept: Container[str]) -> None:
        """Turn off every capability of the source that QEMU knows, but those."""
        known = await self._source.qmp("query-migrate-capabilities")
        names = [item["capability"] for item in known]
        off = [{"capability": n, "state": False} for n in names if n not in kept]
        await self._source.qmp("migrate-set-capabilities", capabilities=off)

    async def encrypt(self) -> None:
        """Encrypt migrations to this destination, with a key that both sides have."""
        # Of the user that a client is if it doesn't say otherwise.
        line = f"qemu:{secrets.token_hex(TLS_KEY_BYTES)}\n"
        (self._source.folder / "keys.psk").write_text(line)
        for vm, end in ((self._source, "client"), (self._destination, "server")):
            key = {"dir": ".", "endpoint": end}
            await vm.qmp("object-add", qom_type="tls-creds-psk", id="tls", **key)
            await vm.qmp("migrate-set-parameters", tls_creds="tls")

    async def hold_ram(self) -> None:
        """Keep a migration from ending the transfer of RAM."""
        await self._bandwidth(SLOW_BANDWIDTH)

    async def let_ram_go(self) -> None:
        """Let a migration transfer RAM at full speed."""
        await self._bandwidth(0)

    async def _bandwidth(self, bytes_per_second: int) -> None:
        limits = ("max_bandwidth", "max_postcopy_bandwidth")
        given = dict.fromkeys(limits, bytes_per_second)
        await self._source.qmp("migrate-set-parameters", **given)

    async def converge_at_once(self) -> None:
        """Have a migration stop the guest however much there is left to do."""
        await self._source.qmp("migrate-set-parameters", downtime_limit=LONG_DOWNTIME)


async def _set_capability(vm: VM, name: str) -> None:
    capability = {"capability": name, "state": True}
    await vm.qmp("migrate-set-capabilities", capabilities=[capability])
