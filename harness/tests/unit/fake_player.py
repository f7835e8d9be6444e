# SPDX-License-Identifier: GPL-2.0-or-later
"""A player whose source and destination are no processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from fake_vm import FakeVM

from switchover.fuzz.player import Player
from switchover.fuzz.processes import DESTINATION, SOURCE
from switchover.qemu.build import Build
from switchover.vm.vm import VM

RUNNING, STOPPED = {"running": True}, {"running": False, "status": "postmigrate"}


class Always(list[Any]):
    """An answer that is a list, whenever it is asked for."""

    def pop(self, *_: Any) -> Any:
        return list(self)


def player(
    folder: Path, here: object, there: object, status: str, **answers: Any
) -> Player:
    """One with a single disk; both sides answer like this, and know of a migration."""
    told = {"query_migrate": {"status": status}, "query_status": here}
    told |= {"query_migrate_capabilities": Always()}
    told |= {"query_named_block_nodes": Always()}
    told |= answers
    source = FakeVM("source", **told).event("MIGRATION", status=status)
    destination = FakeVM("destination", query_status=there)
    destination.event("MIGRATION", status="completed")
    made = Player(Build("patched", folder), folder)
    for side, vm in ((SOURCE, source), (DESTINATION, destination)):
        made.processes.take(side, cast(VM, vm))
    made.processes.disks = range(1)
    made.ownership.note("migrate", {}, 0, set())
    return made
