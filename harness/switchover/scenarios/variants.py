# SPDX-License-Identifier: GPL-2.0-or-later
"""Other ways to migrate, with a mirror that is left running."""

from __future__ import annotations

from dataclasses import dataclass

from ..judging.oracle import Expected
from ..stories.migration import Migration
from ..stories.rig import Rig
from ..stories.scenario import Scenario
from .clients import PLAIN, unchanged
from .unfinished import ABORT, CUT_SHORT, UnfinishedMirror, outcomes
from .waiting import TOO_EARLY, LeftRunning, arrive, start


@dataclass(frozen=True)
class Variant(LeftRunning):
    """A mirror that is READY but behind, another transport or capability.

    `agreed` are capabilities of both sides.
    """

    agreed: tuple[str, ...] = ()
    transport: str = "socket"

    async def migrate(self, rig: Rig) -> Migration:
        await rig.settings.agree(*self.agreed)
        return await rig.migrate(self.transport)


class Postcopy(LeftRunning):
    """Go over to postcopy before any RAM has been sent.

    Where nothing is waited for, RAM is still being sent when the source dies: the
    guest is on neither side.
    """

    async def migrate(self, rig: Rig) -> Migration:
        await rig.settings.agree("postcopy-ram")
        await rig.settings.hold_ram()
        migration = await rig.migrate()
        await migration.postcopy()
        return migration

    async def waiting(self, rig: Rig, migration: Migration) -> None:
        await rig.settings.let_ram_go()
        await super().waiting(rig, migration)


@dataclass(frozen=True)
class UnfinishedVariant(UnfinishedMirror):
    """A mirror that is not READY, with a capability of both sides."""

    agreed: str = "multifd"

    async def attempt(self, rig: Rig) -> str:
        await rig.settings.agree(self.agreed)
        migration = await rig.migrate()
        if self.agreed == "postcopy-ram":
            await migration.postcopy()
        return await migration.landmark()


class SnapshotSave(Scenario):
    """A snapshot hands nothing over: a mirror runs on, and so does the guest."""

    async def run(self, rig: Rig) -> None:
        await start(rig, copy_mode="write-blocking")
        await rig.save_snapshot()
        await rig.running(rig.source)
        migration = await rig.migrate()
        await arrive(rig, migration)
        await rig.jobs.end()
        await rig.run_at_destination()


LEFT_RUNNING = {"base": TOO_EARLY, "patched": PLAIN}
# What a destination says when the source dies in postcopy.
GUEST_LOST = (
    CUT_SHORT,
    r"^destination: .*Unable to shutdown socket: Bad file descriptor$",
    r"^destination: .*Detected IO failure for postcopy. Migration paused.$",
)

SCENARIOS = (
    Variant(
        "multifd",
        "a mirror left running, multifd, late-block-activate",
        LEFT_RUNNING,
        agreed=("multifd", "late-block-activate"),
    ),
    Variant("exec", "a mirror left running, to exec:", LEFT_RUNNING, transport="exec"),
    Variant("file", "a mirror left running, to file:", LEFT_RUNNING, transport="file"),
    Postcopy(
        "postcopy",
        "a mirror left running, postcopy",
        {
            "base": Expected(crash=ABORT, blocks_lost=True, stderr=GUEST_LOST),
            "patched": PLAIN,
        },
    ),
    UnfinishedVariant(
        "unfinished-mirror-multifd",
        "migrate while a mirror is unfinished, multifd",
        outcomes(),
    ),
    UnfinishedVariant(
        "unfinished-mirror-postcopy",
        "migrate while a mirror is unfinished, postcopy",
        # It takes so little time that the guest may write nothing meanwhile.
        outcomes(records_lost=None),
        agreed="postcopy-ram",
    ),
    SnapshotSave(
        "snapshot-save",
        "save a snapshot while a mirror runs, then migrate",
        unchanged(PLAIN),
    ),
)
