# SPDX-License-Identifier: GPL-2.0-or-later
"""The pause before a switchover, as far as a QEMU has one."""

from __future__ import annotations

from dataclasses import dataclass

from .vm import VM


@dataclass(frozen=True)
class Pause:
    """A status in which the guest is stopped, and the capability that leads to it."""

    capability: str
    status: str


# Left by migration-complete.
READY = Pause("pause-at-complete", "ready")
# Left by migrate-continue; all that unpatched QEMU has.
PRE_SWITCHOVER = Pause("pause-before-switchover", "pre-switchover")


async def newest(vm: VM) -> Pause:
    """The newest pause that a QEMU knows."""
    known = await vm.qmp("query-migrate-capabilities")
    names = {item["capability"] for item in known}
    return READY if READY.capability in names else PRE_SWITCHOVER
