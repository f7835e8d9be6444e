# SPDX-License-Identifier: GPL-2.0-or-later
"""A rig that is measured: nothing is in the way that isn't part of the case."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..core import files, paths
from ..core.command import run
from ..guest import disk, kernel
from ..judging import journey
from ..stories.images import Images
from ..stories.rig import GUEST_SECONDS, Lab, Rig
from ..timeline import states
from ..vm import commandline
from ..vm.pause import PRE_SWITCHOVER, READY
from ..vm.trace import Traced, parse
from ..vm.vm import VM

SOURCES = paths.ROOT / "harness" / "bench"
# Small, for what is measured begins when all has been copied.
SIZE = 8 * disk.MIB
DOWNTIME_LIMIT_MS = 20
PAUSES = {pause.status for pause in (READY, PRE_SWITCHOVER)}
# The only trace events that are needed; more would cost time.
TRACED = ("runstate_set",)


@dataclass(frozen=True)
class Setup:
    """What is set up. `shared`: the destination has the source's images.

    `throttled` puts a throttle under both sides' disks, `slow_flush` lets each
    flush take 5 ms, `task` is the guest's (harness/guest/init), `size` in bytes.
    """

    disks: int = 1
    shared: bool = False
    throttled: bool = False
    slow_flush: bool = False
    task: str = ""
    size: int = SIZE


class MeasuredRig(Rig):
    """A source and a destination as a case wants them.

    Its private methods are Rig's, done otherwise: a test sees to it that Rig has them.
    """

    def __init__(self, lab: Lab, setup: Setup) -> None:
        self._setup = setup
        images = Images(lab.folder, range(setup.disks), setup.size, setup.shared)
        super().__init__(lab, setup.disks, images=images, throttled=setup.throttled)

    def _vm(
        self, name: str, side: str, options: list[str], group: str | None = None
    ) -> VM:
        options = [*options, *commandline.second_monitor(name)]
        return super()._vm(name, side, options, group)

    def _program(self) -> list[str]:
        if not self._setup.slow_flush:
            return super()._program()
        return ["env", f"LD_PRELOAD={slow_flush()}", *super()._program()]

    def _boot(self) -> list[str]:
        if not self._setup.task:
            return super()._boot()
        return commandline.boot(self._lab.guest, self._setup.task)

    async def up(self, **mirror: Any) -> None:
        """Boot; the guest works, and all mirrors are READY where there are any."""
        await self.boot()
        await self.source.qmp(
            "migrate-set-parameters", downtime_limit=DOWNTIME_LIMIT_MS
        )
        if not self._setup.shared:
            await self.link.connect()
            await self.jobs.mirror_until_ready(**mirror)
        await self.booted()

    async def booted(self) -> None:
        """Wait until the guest works."""
        console = self.source.console
        await self.source.until(
            "marker", lambda: kernel.MARKER in console.text or None, GUEST_SECONDS
        )

    async def limit_writes(self, bytes_per_second: int) -> None:
        """Limit what the guest can write, all disks together; 0: no limit."""
        limits = {"bps-write": bytes_per_second}
        reads = {"path": "/objects/reads", "property": "limits"}
        await self.source.qmp("qom-set", **reads, value=limits)

    def downtime(self) -> dict[str, float]:
        """In ms, from STOP to `completed`, and from when the CPUs stood still.

        If there was a pause, also how much of it was before and in it. What is in it
        includes the client's own time.
        """
        since_stop = journey.downtime(self.source, self.destination)
        end = self.destination.monitor.find("MIGRATION", status="completed")
        log = (self.source.folder / f"{self.source.name}.trace").read_text()
        stopping = [event.time for event in parse(log) if _stops(event)]
        assert since_stop is not None and end
        stopped = (end.time - stopping[-1]) * 1000
        pause = _pause(self.source, end.time - since_stop / 1000)
        return {"downtime": since_stop, "stopped": stopped, **pause}


def _pause(source: VM, stop: float) -> dict[str, float]:
    statuses = [event for event in source.events if event.name == "MIGRATION"]
    for pause, after in pairwise(statuses):
        if pause.data["status"] in PAUSES:
            return {
                "before pause": (pause.time - stop) * 1000,
                "in pause": (after.time - pause.time) * 1000,
            }
    return {}


def _stops(event: Traced) -> bool:
    match = states.RUN_STATE.search(event.text)
    return match is not None and match[1] == states.RUNNING


def slow_flush() -> Path:
    """A library that lets each fdatasync() take 5 ms; compiled if it isn't there."""
    source = SOURCES / "slowflush.c"
    library = paths.BUILD / "bench" / "slowflush.so"
    if not library.exists() or library.stat().st_mtime < source.stat().st_mtime:
        with files.fresh(library) as made:
            run("gcc", "-shared", "-fPIC", "-O2", "-Wall", "-o", made, source)
    return library
