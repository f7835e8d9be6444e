# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules for the guest, and for its migration."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from ..guest.disk import MIB
from ..vm.transports import channels
from . import step
from .machine import Machine
from .processes import DESTINATION, MIGRATION_SOCKET, SOURCE

ADDRESS = {"transport": "socket", "type": "unix", "path": MIGRATION_SOCKET}
PAUSES = ("pause-before-switchover", "pause-at-complete")
SETTLED = ("pre-switchover", "ready", "completed", "failed", "cancelled")

go_on_commands = st.sampled_from(
    [
        *((f"migrate{verb}", {}) for verb in ("_cancel", "-pause", "-start-postcopy")),
        *(("migration-complete", released) for released in ({}, {"release": True})),
        ("migrate-continue", {"state": "pre-switchover"}),
    ]
)
parameters = st.sampled_from(
    [
        *({"max-bandwidth": limit} for limit in (0, MIB // 4)),
        *({"downtime-limit": milliseconds} for milliseconds in (1, 2000)),
    ]
)


class MigrationRules(Machine):
    """What management does to the guest, and for its migration."""

    @rule(command=st.sampled_from(["stop", "cont", "system_reset"]))
    def guest(self, command: str) -> None:
        self.qmp(SOURCE, command)

    @rule()
    def records(self) -> None:
        self.play(step.records(SOURCE))

    @rule()
    def unplug(self) -> None:
        self.qmp(SOURCE, "device_del", id="extra")
        self.qmp(DESTINATION, "device_del", id="extra")

    @rule(name=st.sampled_from(PAUSES), state=st.sampled_from([True, True, False]))
    def capability(self, name: str, state: bool) -> None:
        capabilities = [{"capability": name, "state": state}]
        self.qmp(SOURCE, "migrate-set-capabilities", capabilities=capabilities)

    @rule(settled=st.booleans())
    def migrate(self, settled: bool) -> None:
        to = channels(ADDRESS)
        incoming = {"channels": to, "exit-on-error": False}
        if self._migrates and not self._player.ownership.handed_over:
            # A QEMU takes one incoming migration in its life.
            self._new_destination()
        self._migrates = True
        self.qmp(DESTINATION, "migrate-incoming", **incoming)
        self.qmp(SOURCE, "migrate", channels=to)
        if settled:
            self.settled()

    @precondition(lambda self: self._migrates)
    @rule()
    def settled(self) -> None:
        self.play(step.migration(*SETTLED))

    @precondition(lambda self: self._migrates)
    @rule(status=st.sampled_from(["active", "device"]))
    def reached(self, status: str) -> None:
        self.play(step.migration(status, *SETTLED))

    @precondition(lambda self: self._migrates)
    @rule(command=go_on_commands)
    def go_on(self, command: tuple[str, dict[str, Any]]) -> None:
        self.qmp(SOURCE, command[0], **command[1])

    @rule(parameter=parameters)
    def parameter(self, parameter: dict[str, int]) -> None:
        self.qmp(SOURCE, "migrate-set-parameters", **parameter)
