# SPDX-License-Identifier: GPL-2.0-or-later
"""The capability for a pause, changed while a migration is under way."""

from __future__ import annotations

from dataclasses import dataclass

from ..judging.oracle import Expected
from ..stories.rig import Rig, Scenario
from ..vm.pause import newest
from . import steps
from .outcomes import COMPLETED, both


@dataclass(frozen=True)
class Changed(Scenario):
    """Turned `on`, or off again, while RAM is being transferred; then in the pause."""

    on: bool = True

    async def run(self, rig: Rig) -> None:
        await steps.start(rig, copy_mode="write-blocking")
        if not self.on:
            await rig.settings.pausing()
        migration = await steps.held(rig)
        changed = not await self.change(rig, self.on)
        await rig.settings.let_ram_go()
        if changed is not self.on:
            await steps.end_afterwards(rig, migration)
            return
        await migration.paused()
        await self.change(rig, not self.on)
        await migration.still(migration.status)
        await steps.hand_over(rig, migration)

    async def change(self, rig: Rig, on: bool) -> bool:
        """Turn the capability on or off; whether that was refused."""
        name = (await newest(rig.source)).capability
        state = {"capability": name, "state": on}
        return await rig.refused("migrate-set-capabilities", capabilities=[state])


TOO_LATE = (
    "^migrate-set-capabilities: Capability 'pause-at-complete' cannot be changed in "
    "migration status 'ready'$"
)
UNDER_WAY = "^migrate-set-capabilities: There's a migration process in progress$"

SCENARIOS = (
    Changed(
        "capability-on",
        "ask for a pause while RAM is transferred",
        {
            "base": Expected(journey=("completed",), errors=(UNDER_WAY,)),
            "patched": both(Expected(COMPLETED, errors=(TOO_LATE,)))["patched"],
        },
    ),
    Changed(
        "capability-off",
        "ask for no pause any more while RAM is transferred",
        {
            "base": Expected(
                journey=("pre-switchover", "completed"), errors=(UNDER_WAY, UNDER_WAY)
            ),
            "patched": Expected(journey=("completed",)),
        },
        on=False,
    ),
)
