# SPDX-License-Identifier: GPL-2.0-or-later
"""Inactivating a node by hand while something writes to it."""

from __future__ import annotations

from ..judging.oracle import Expected
from ..stories.rig import Rig, Scenario
from ..vm.vm import Died
from . import steps
from .outcomes import ABORT, REFUSAL


class SetActiveMirrorTarget(Scenario):
    """blockdev-set-active on the target of a running mirror."""

    async def run(self, rig: Rig) -> None:
        await steps.connect(rig)
        await rig.jobs.mirror_slowly()
        node = {"node_name": "dst0", "active": False}
        try:
            refused = await rig.refused("blockdev-set-active", **node)
        except Died:
            # The abort was faster than the answer; the oracle judges it either way.
            return
        if not refused:
            await rig.source_dies()
            return
        await rig.jobs.finish()
        await rig.images.compare()


SCENARIOS = (
    SetActiveMirrorTarget(
        "set-active-mirror-target",
        "blockdev-set-active on a running mirror's target",
        {"base": Expected(crash=ABORT), "patched": Expected(errors=(REFUSAL,))},
        with_guest=False,
    ),
)
