# SPDX-License-Identifier: GPL-2.0-or-later
"""Other ways to migrate, with mirrors that are left running, or released."""

from __future__ import annotations

from dataclasses import replace

from ..judging.oracle import Expected
from ..stories.migration import Migration
from ..stories.rig import Rig, Scenario
from . import steps
from .outcomes import (
    ABORT,
    COMPLETED,
    GUEST_LOST,
    PLAIN,
    TOO_EARLY,
    both,
    unchanged,
    waited_for,
)
from .steps import LeftRunning, Release


class PostcopyLeftRunning(LeftRunning):
    """Go over to postcopy before any RAM has been sent.

    Where nothing is waited for, RAM is still being sent when the source dies: the
    guest is on neither side.
    """

    async def migrate(self, rig: Rig) -> Migration:
        await rig.settings.hold_ram()
        migration = await rig.migrate()
        await migration.postcopy()
        return migration

    async def waiting(self, rig: Rig, migration: Migration) -> None:
        await rig.settings.let_ram_go()
        await super().waiting(rig, migration)


class SnapshotSave(Scenario):
    """A snapshot hands nothing over: a mirror runs on, and so does the guest."""

    async def run(self, rig: Rig) -> None:
        await steps.start(rig, copy_mode="write-blocking")
        await rig.spare.save_snapshot()
        await rig.running(rig.source)
        migration = await rig.migrate()
        await steps.end_afterwards(rig, migration)


class Encrypted(Release):
    """TLS, with a key that both sides have."""

    async def pause(self, rig: Rig) -> Migration:
        await rig.settings.encrypt()
        return await super().pause(rig)


class Postcopy(Release):
    """The pause comes before postcopy starts; after that there is nothing to complete.

    Most of RAM is sent when the guest may run at the destination already.
    """

    async def pause(self, rig: Rig) -> Migration:
        await rig.settings.pausing()
        await rig.settings.converge_at_once()
        await rig.settings.hold_ram()
        migration = await rig.migrate()
        await migration.postcopy()
        await migration.paused()
        return migration

    async def releasing(self, rig: Rig, migration: Migration) -> None:
        await rig.jobs.catch_up()
        await migration.reaches("postcopy-active")
        await rig.refused("migration-complete")
        await rig.settings.let_ram_go()
        await super().releasing(rig, migration)


NOT_READY = "^migration-complete: Migration is not in status 'ready'$"
RELEASED = waited_for(Expected(journey=COMPLETED))
# A destination that has all it needs may have closed a channel of multifd before the
# source ends TLS on it.
NO_GOODBYE = "^source: .*Failed to gracefully terminate TLS connection: .*Broken pipe$"
DIED = Expected(crash=ABORT, blocks_lost=True, stderr=GUEST_LOST)
LEFT_RUNNING = {"base": TOO_EARLY, "patched": PLAIN}

SCENARIOS = (
    LeftRunning(
        "multifd",
        "a mirror left running, multifd, late-block-activate",
        LEFT_RUNNING,
        agreed=("multifd", "late-block-activate"),
    ),
    *(
        LeftRunning(to, f"a mirror left running, to {to}:", LEFT_RUNNING, transport=to)
        for to in ("exec", "file")
    ),
    PostcopyLeftRunning(
        "postcopy",
        "a mirror left running, postcopy",
        {"base": DIED, "patched": PLAIN},
        agreed=("postcopy-ram",),
    ),
    SnapshotSave(
        "snapshot-save",
        "save a snapshot while a mirror runs, then migrate",
        unchanged(PLAIN),
    ),
    Release(
        "release-multifd", "release a mirror, multifd", RELEASED, agreed=("multifd",)
    ),
    Release("release-tcp", "release a mirror, TCP", RELEASED, transport="tcp"),
    Release("release-fd", "release a mirror, to an fd:", RELEASED, transport="fd"),
    Release("release-exec", "release a mirror, to exec:", RELEASED, transport="exec"),
    Release("release-file", "release a mirror, to file:", RELEASED, transport="file"),
    Encrypted("release-tls", "release a mirror, TLS", RELEASED),
    Encrypted(
        "release-tls-multifd",
        "release a mirror, TLS with multifd",
        {name: replace(one, stderr=(NO_GOODBYE,)) for name, one in RELEASED.items()},
        agreed=("multifd",),
    ),
    Postcopy(
        "release-postcopy",
        "release a mirror, postcopy",
        {
            **both(Expected(journey=COMPLETED, errors=(NOT_READY,))),
            "base": replace(DIED, journey=("pre-switchover",)),
        },
        agreed=("postcopy-ram",),
    ),
)
