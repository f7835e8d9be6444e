# SPDX-License-Identifier: GPL-2.0-or-later
"""All rules for hypothesis: those for the guest and its migration, and for what fails.

Those for jobs and nodes are in job_rules.py.
"""

from __future__ import annotations

import errno
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from ..guest.disk import MIB
from ..vm.transports import channels
from . import ending, step
from .job_rules import JobRules
from .machine import AGREED, DISKS, Machine, mirror_options, numbers
from .processes import DESTINATION, LINK, MIGRATION_SOCKET, READS, SERVER, SOURCE

ADDRESS = {"transport": "socket", "type": "unix", "path": MIGRATION_SOCKET}
PAUSES = ("pause-before-switchover", "pause-at-complete")
SETTLED = ["pre-switchover", "ready", "completed", "failed", "cancelled"]

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

targets = ({"type": "block-node", "node-name": f"dst{i}"} for i in range(DISKS))
errors = st.sampled_from([errno.EIO, errno.ENOSPC])
instances = st.sampled_from([{"type": "migration"}, *targets])
beginnings = st.fixed_dictionaries(
    {
        "iothreads": st.booleans(),
        "paused": st.booleans(),
        "server": st.booleans(),
        "agreed": st.sets(st.sampled_from(AGREED), max_size=2),
        "how": st.sampled_from(ending.HOW),
        "mirrors": st.lists(mirror_options, min_size=1, max_size=DISKS),
        "clients": st.booleans(),
        "ready": st.booleans(),
        "pause": st.sampled_from([None, *PAUSES, PAUSES[1]]),
        "then": st.sampled_from(["migrate", "settle", "nothing"]),
    }
)


class MigrationRules(Machine):
    """What management does to the guest, and for its migration."""

    @rule(command=st.sampled_from(["stop", "cont", "system_reset"]))
    def guest(self, command: str) -> None:
        self.qmp(SOURCE, command)

    @rule()
    def records(self) -> None:
        self._await("records")

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
        self._await("migration", until=SETTLED)

    @precondition(lambda self: self._migrates)
    @rule(status=st.sampled_from(["active", "device"]))
    def reached(self, status: str) -> None:
        self._await("migration", until=[status, *SETTLED])

    @precondition(lambda self: self._migrates)
    @rule(command=go_on_commands)
    def go_on(self, command: tuple[str, dict[str, Any]]) -> None:
        self.qmp(SOURCE, command[0], **command[1])

    @rule(parameter=parameters)
    def parameter(self, parameter: dict[str, int]) -> None:
        self.qmp(SOURCE, "migrate-set-parameters", **parameter)


class FaultRules(Machine):
    """Slow links, failing images, and processes that stand still or are gone."""

    # A drain waits for all that two mirrors have in flight, and has to answer in time.
    @rule(bytes_per_second=st.sampled_from([0, MIB, MIB // 2]))
    def slow_link(self, bytes_per_second: int) -> None:
        self._limit(self._nbd, LINK, {"bps-total": bytes_per_second})

    @rule(per_second=st.sampled_from([0, 4]))
    def slow_reads(self, per_second: int) -> None:
        self._limit(SOURCE, READS, {"iops-read": per_second})

    def _limit(self, at: str, group: str, limits: dict[str, int]) -> None:
        limited = {"path": f"/objects/{group}", "property": "limits"}
        self.qmp(at, "qom-set", **limited, value=limits)

    @rule(number=numbers, error=errors, event=st.sampled_from(["write", "flush"]))
    def target_fails(self, number: int, error: int, event: str) -> None:
        over = {"node-name": f"throttle{number}", "throttle-group": LINK}
        failing = {"event": "none", "iotype": event, "errno": error}
        self._inject(self._nbd, f"disk{number}", over, failing)

    @rule(number=numbers)
    def source_fails(self, number: int) -> None:
        over = {"node-name": f"disk{number}", "throttle-group": READS}
        failing = {"event": "none", "iotype": "read", "errno": errno.EIO}
        self._inject(SOURCE, f"file{number}", over, failing)

    def _inject(
        self, at: str, image: str, over: dict[str, str], failing: dict[str, object]
    ) -> None:
        """Put blkdebug between a throttle filter and an image."""
        name = f"blkdebug-{image}"
        self._add(at, name, "blkdebug", image=image, inject_error=[failing])
        node = {"driver": "throttle", "file": name, **over}
        self.qmp(at, "blockdev-reopen", options=[node])

    @rule(nbd=st.booleans(), seconds=st.sampled_from([0.2, 1.0, 3.0]))
    def freeze(self, nbd: bool, seconds: float) -> None:
        at = self._nbd if nbd else DESTINATION
        self.play({"at": at, "fault": "freeze", "seconds": seconds})

    @rule(nbd=st.booleans())
    def kill(self, nbd: bool) -> None:
        at = self._nbd if nbd else DESTINATION
        self._serves = self._serves and at != self._nbd
        self.play({"at": at, "fault": "kill"})

    @rule(up=st.booleans())
    def server(self, up: bool) -> None:
        self.qmp(self._nbd, "nbd-server-stop")
        if up:
            self._serve()

    @rule(instance=instances)
    def yank(self, instance: dict[str, str]) -> None:
        self.qmp(SOURCE, "yank", instances=[instance])

    @rule(command=st.sampled_from(["query-migrate", "query-jobs", "migrate_cancel"]))
    def hang_up(self, command: str) -> None:
        self.play({"fault": "hang-up", **step.execute(SOURCE, command)})


class Sequence(JobRules, MigrationRules, FaultRules):
    """Both sides; most often mirrors, and a migration that is under way."""

    @initialize(chosen=beginnings)
    def begin(self, chosen: dict[str, Any]) -> None:
        self._how = chosen["how"]
        self._nbd = SERVER if chosen["server"] else DESTINATION
        self._connect(chosen["iothreads"], chosen["paused"], chosen["agreed"])
        mirrored = range(len(chosen["mirrors"]))
        # Before the mirrors: what writes to a node that is mirrored isn't copied.
        for number in mirrored if chosen["clients"] else ():
            self._export_to("client", number, True)
            self.client(number)
        for number, options in enumerate(chosen["mirrors"]):
            self.mirror(number, options)
        self.records()
        for number in mirrored if chosen["ready"] else ():
            self.is_ready(number)
        if chosen["pause"]:
            self.capability(chosen["pause"], True)
        if chosen["then"] != "nothing":
            self.migrate(chosen["then"] == "settle")
