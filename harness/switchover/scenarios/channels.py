# SPDX-License-Identifier: GPL-2.0-or-later
"""The pause, and release, on other ways to migrate."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..judging.oracle import Expected
from ..stories.migration import Migration
from ..stories.rig import Rig
from .release import Release, mirrors, outcomes, pause_behind
from .unfinished import ABORT
from .variants import GUEST_LOST


@dataclass(frozen=True)
class Channel(Release):
    """Another transport, or capabilities that both sides have `agreed` on."""

    agreed: tuple[str, ...] = ()
    transport: str = "socket"

    async def pause(self, rig: Rig) -> Migration:
        await rig.settings.agree(*self.agreed)
        return await pause_behind(rig, self.transport)


class Encrypted(Channel):
    """TLS, with a key that both sides have."""

    async def pause(self, rig: Rig) -> Migration:
        await rig.settings.encrypt()
        return await super().pause(rig)


class Postcopy(Release):
    """The pause comes before postcopy starts; after that there is nothing to complete.

    Most of RAM is sent when the guest may run at the destination already.
    """

    async def pause(self, rig: Rig) -> Migration:
        await rig.settings.agree("postcopy-ram")
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
RELEASED = outcomes("ready", "completed", writers=mirrors(1))
# A destination that has all it needs may have closed a channel of multifd before the
# source ends TLS on it.
NO_GOODBYE = "^source: .*Failed to gracefully terminate TLS connection: .*Broken pipe$"

SCENARIOS = (
    Channel(
        "release-multifd",
        "release a mirror, multifd",
        RELEASED,
        agreed=("multifd",),
    ),
    Channel("release-tcp", "release a mirror, TCP", RELEASED, transport="tcp"),
    Channel("release-fd", "release a mirror, to an fd:", RELEASED, transport="fd"),
    Channel("release-exec", "release a mirror, to exec:", RELEASED, transport="exec"),
    Channel("release-file", "release a mirror, to file:", RELEASED, transport="file"),
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
            "base": Expected(
                journey=("pre-switchover",),
                crash=ABORT,
                blocks_lost=True,
                stderr=GUEST_LOST,
            ),
            "patched": Expected(
                journey=("ready", "completed"),
                writers=mirrors(1),
                errors=(NOT_READY,),
            ),
        },
    ),
)
