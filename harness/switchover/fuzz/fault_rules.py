# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules for what goes wrong."""

from __future__ import annotations

import errno

from hypothesis import strategies as st
from hypothesis.stateful import rule

from ..guest.disk import MIB
from . import step
from .machine import DISKS, Machine, numbers
from .processes import DESTINATION, LINK, READS, SOURCE

targets = ({"type": "block-node", "node-name": f"dst{i}"} for i in range(DISKS))
errors = st.sampled_from([errno.EIO, errno.ENOSPC])
instances = st.sampled_from([{"type": "migration"}, *targets])


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
        self.play(step.fault(at, "freeze", seconds=seconds))

    @rule(nbd=st.booleans())
    def kill(self, nbd: bool) -> None:
        at = self._nbd if nbd else DESTINATION
        self._serves = self._serves and at != self._nbd
        self.play(step.fault(at, "kill"))

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
        details = {"execute": command, "arguments": {}}
        self.play(step.fault(SOURCE, "hang-up", **details))
