# SPDX-License-Identifier: GPL-2.0-or-later
"""What else can be asked for in the pause before a switchover.

Each command does what one expects or is refused, and afterwards the source still has
everything: the migration can be completed or cancelled as if nothing had been asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..judging.oracle import Expected
from ..stories.jobs import DEADLINE_SECONDS
from ..stories.rig import Rig, Scenario
from . import steps
from .outcomes import AGAIN, COMPLETED, CUT_OFF, CUT_SHORT, both

# The one with the first disk.
DEVICE = "/machine/peripheral-anon/device[0]"


@dataclass(frozen=True)
class Command(Scenario):
    """Mirrors are in sync; something is asked for; complete, or cancel and retry."""

    cancelled: bool = False

    async def run(self, rig: Rig) -> None:
        await steps.start(rig)
        migration = await steps.pause(rig)
        status = migration.status
        await self.ask(rig)
        await migration.still(status)
        await rig.has_everything()
        if self.cancelled:
            await migration.cancel()
            await self.at_source(rig)
            await steps.mirrors_are(rig, "ready")
            await rig.new_destination()
            migration = await steps.pause(rig)
        await steps.hand_over(rig, migration)

    async def ask(self, rig: Rig) -> None:
        """Ask for what the scenario is about."""
        raise NotImplementedError

    async def at_source(self, rig: Rig) -> None:
        """What is to be seen after the cancel: the guest runs on."""
        await rig.run_at_source()


class Refused(Command):
    """All that can't be done in the pause."""

    async def ask(self, rig: Rig) -> None:
        await rig.refused("cont")
        await rig.refused("migrate-continue", state="ready")
        await rig.refused("migrate-continue", state="device")
        await rig.refused("migrate-pause")
        await rig.refused("migrate-start-postcopy")
        await rig.refused("migrate", uri="exec:cat > /dev/null")
        await rig.refused("device_del", id=DEVICE)


class Snapshot(Command):
    """Saving a snapshot is refused, and has left nothing behind."""

    async def ask(self, rig: Rig) -> None:
        await rig.spare.save_snapshot()


class Stop(Command):
    """A guest that is told to stop in the pause stays stopped after a cancel."""

    async def ask(self, rig: Rig) -> None:
        await rig.source.qmp("stop")

    async def at_source(self, rig: Rig) -> None:
        state = await rig.source.qmp("query-status")
        if state["running"]:
            rig.notes.errors.append("the guest runs in spite of stop")
        else:
            await rig.source.qmp("cont")
        await rig.run_at_source()


class Powerdown(Command):
    """A button that is pressed in the pause is the guest's business, wherever it is."""

    async def ask(self, rig: Rig) -> None:
        await rig.source.qmp("system_powerdown")
        await rig.source.wait_event("POWERDOWN", DEADLINE_SECONDS)


class Reset(Command):
    """A guest that is reset in the pause boots when it runs again."""

    async def ask(self, rig: Rig) -> None:
        await rig.source.qmp("system_reset")
        await rig.source.wait_event("RESET", DEADLINE_SECONDS)


class Postcopy(Command):
    """Too late for postcopy: it is not needed any more."""

    async def ask(self, rig: Rig) -> None:
        await rig.source.qmp("migrate-start-postcopy")


class MirrorAnew(Command):
    """The mirrors are ended in the pause, and started once more."""

    async def ask(self, rig: Rig) -> None:
        await rig.jobs.cancel_by_force()
        await rig.jobs.mirror_until_ready()


class ServerAnew(Command):
    """The NBD server ends in the pause. Another one, and mirrors to it, will do.

    Whether a mirror that has nothing to copy would notice is left to chance: it
    flushes when the pause begins.
    """

    async def ask(self, rig: Rig) -> None:
        await rig.jobs.cancel_by_force()
        await rig.link.disconnect()
        await rig.link.reconnect()
        await rig.jobs.mirror_until_ready()


class Quit(Scenario):
    """The source is told to quit: it does, and has kept all that the guest wrote."""

    async def run(self, rig: Rig) -> None:
        await steps.start(rig)
        await steps.pause(rig)
        rig.owner = rig.source
        await rig.source.quit()


SNAPSHOT_REFUSED = "^snapshot: There's a migration process in progress$"


def outcomes(
    cancelled: bool = False, errors: dict[str, tuple[str, ...]] | None = None
) -> dict[str, Expected]:
    """Both builds do the same, each from its own pause; `errors` are by build."""
    same = Expected(journey=COMPLETED)
    if cancelled:
        same = Expected(journey=AGAIN, stderr=(CUT_SHORT, CUT_OFF))
    return {
        build: replace(expected, errors=(errors or {}).get(build, ()))
        for build, expected in both(same).items()
    }


def refusals(status: str, other: str) -> tuple[str, ...]:
    """The errors of Refused, of which `other` is about migrate-continue from ready."""
    return (
        "^cont: Migration is not finalized yet$",
        f"^migrate-continue: {other}$",
        f"^migrate-continue: Migration not in expected state: {status}$",
        "^migrate-pause: migrate-pause is currently only supported during postcopy",
        "^migrate-start-postcopy: Enable postcopy ",
        "^migrate: There's a migration process in progress$",
        "^device_del: device_del not allowed while migrating$",
    )


REFUSALS = {
    "base": refusals(
        "pre-switchover", "Parameter 'state' does not accept value 'ready'"
    ),
    "patched": refusals("ready", "Use 'migration-complete' in status 'ready'"),
}

SCENARIOS = (
    Refused(
        "refused-in-ready",
        "what can't be done in the pause; complete",
        outcomes(errors=REFUSALS),
    ),
    Refused(
        "refused-in-ready-cancel",
        "the same; cancel and migrate again",
        outcomes(cancelled=True, errors=REFUSALS),
        cancelled=True,
    ),
    Snapshot(
        "snapshot-in-ready",
        "save a snapshot in the pause; complete",
        outcomes(
            errors={
                # The destination gets a guest that can't be continued.
                "base": (SNAPSHOT_REFUSED, "^cont: Migration is not finalized yet$"),
                "patched": (SNAPSHOT_REFUSED,),
            }
        ),
    ),
    Stop(
        "stop-in-ready",
        "stop in the pause; cancel and migrate again",
        outcomes(
            cancelled=True, errors={"base": ("^the guest runs in spite of stop$",)}
        ),
        cancelled=True,
    ),
    Powerdown("powerdown-in-ready", "system_powerdown in the pause", outcomes()),
    Reset("reset-in-ready", "system_reset in the pause", outcomes()),
    Reset(
        "reset-in-ready-cancel",
        "system_reset in the pause; cancel and migrate again",
        outcomes(cancelled=True),
        cancelled=True,
    ),
    Postcopy(
        "postcopy-in-ready",
        "migrate-start-postcopy in the pause",
        outcomes(),
        agreed=("postcopy-ram",),
    ),
    MirrorAnew("mirror-anew-in-ready", "mirror once more in the pause", outcomes()),
    ServerAnew(
        "server-anew-in-ready",
        "the NBD server ends in the pause; start another",
        outcomes(),
    ),
    Quit(
        "quit-in-ready",
        "quit in the pause",
        {
            **both(Expected(journey=("ready",), stderr=(CUT_SHORT, CUT_OFF))),
            "base": Expected(journey=("pre-switchover",), stderr=(CUT_SHORT,)),
        },
    ),
)
