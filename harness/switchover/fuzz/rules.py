# SPDX-License-Identifier: GPL-2.0-or-later
"""Which steps a sequence may have: rules for hypothesis.

A rule looks at QEMU in one thing alone: a destination that has got the guest is not
replaced. Otherwise the same choices give the same steps. Much is refused, which is an
answer like any other.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ..judging.oracle import Verdict
from ..qemu.build import Build
from ..vm.transports import channels
from . import ending, step
from .clients import SOCKET
from .player import Over, Player
from .processes import (
    DESTINATION,
    LINK,
    MIGRATION_SOCKET,
    NBD_SOCKET,
    READS,
    SERVER,
    SOURCE,
    SPARE,
    SPARE_QCOW2,
    SPARE_TARGET,
)
from .step import Step

DISKS = 2
MIB = 1 << 20
NBD_ADDRESS = {"type": "unix", "data": {"path": NBD_SOCKET}}
MIGRATION_ADDRESS = {"transport": "socket", "type": "unix", "path": MIGRATION_SOCKET}
AGREED = ("return-path", "postcopy-ram", "multifd", "auto-converge")
PAUSES = ("pause-before-switchover", "pause-at-complete")
SETTLED = ("pre-switchover", "ready", "completed", "failed", "cancelled")

numbers = st.integers(0, DISKS - 1)
job_names = st.sampled_from([*(f"m{i}" for i in range(DISKS)), "spare"])
mirror_options = st.fixed_dictionaries(
    {},
    optional={
        "copy-mode": st.just("write-blocking"),
        "speed": st.sampled_from([MIB, 16 * MIB]),
        "buf-size": st.just(64 << 10),
        "granularity": st.just(4096),
        "auto-finalize": st.just(False),
        "auto-dismiss": st.just(False),
        "on-target-error": st.just("stop"),
    },
)
JOB_COMMANDS = st.sampled_from(
    [
        ("block-job-cancel", "device", {}),
        ("block-job-cancel", "device", {"force": True}),
        ("block-job-complete", "device", {}),
        ("block-job-set-speed", "device", {"speed": 0}),
        ("block-job-set-speed", "device", {"speed": MIB}),
        ("job-pause", "id", {}),
        ("job-resume", "id", {}),
        ("job-finalize", "id", {}),
        ("job-dismiss", "id", {}),
        (
            "block-job-change",
            "id",
            {"type": "mirror", "copy-mode": "write-blocking"},
        ),
    ]
)


class Failure(AssertionError):
    """A sequence in which something must not have happened."""

    def __init__(self, verdict: Verdict, steps: list[Step], folder: Path) -> None:
        super().__init__("; ".join(verdict.wrong()))
        self.verdict = verdict
        self.steps = steps
        self.folder = folder


class Sequence(RuleBasedStateMachine):
    """One sequence: makes steps up and plays them as they are made.

    A subclass sets `build`, and says in `judged` what is done with the verdict.
    """

    build: Build

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._player = Player(self.build, self.folder())
        self._how = ending.HOW[0]
        self._over = self._interrupted = False
        self._migrates = False
        self._serves = False

    def folder(self) -> Path:
        """An empty folder for this sequence."""
        raise NotImplementedError

    def judged(self, verdict: Verdict, player: Player) -> None:
        """Called at the end of each; raises Failure to have the sequence shrunk."""
        raise NotImplementedError

    def play(self, *steps: Step) -> None:
        """Play steps, until something happens that must not."""
        for one in steps:
            if not self._over:
                try:
                    self._runner.run(self._player.play(one))
                except Over:
                    self._over = True
                except KeyboardInterrupt:
                    self._interrupted = True
                    raise

    def qmp(self, at: str, command: str, /, **arguments: Any) -> None:
        """Play a QMP command."""
        self.play(step.execute(at, command, **arguments))

    @initialize(
        iothreads=st.booleans(),
        paused=st.booleans(),
        server=st.booleans(),
        agreed=st.sets(st.sampled_from(AGREED), max_size=2),
        how=st.sampled_from(ending.HOW),
        mirrors=st.lists(mirror_options, min_size=1, max_size=DISKS),
        clients=st.booleans(),
        ready=st.booleans(),
        pause=st.sampled_from([None, *PAUSES, PAUSES[1]]),
        then=st.sampled_from(["migrate", "settle", "nothing"]),
    )
    def begin(
        self,
        iothreads: bool,
        paused: bool,
        server: bool,
        agreed: set[str],
        how: str,
        mirrors: list[dict[str, Any]],
        clients: bool,
        ready: bool,
        pause: str | None,
        then: str,
    ) -> None:
        """Both sides; most often mirrors, and a migration that is under way."""
        self._how = how
        self._nbd = SERVER if server else DESTINATION
        self._connect({"disks": DISKS, "iothreads": iothreads}, paused, agreed)
        # Before the mirrors: what writes to a node that is mirrored already isn't copied.
        for number in range(len(mirrors) if clients else 0):
            self._export_to("client", number, True)
            self.client(number)
        for number, options in enumerate(mirrors):
            self.mirror(number, options)
        self.play(step.records(SOURCE))
        for number in range(len(mirrors) if ready else 0):
            self.is_ready(number)
        if pause:
            self.capability(pause, True)
        if then != "nothing":
            self.migrate(then == "settle")

    def _connect(self, start: dict[str, Any], paused: bool, agreed: set[str]) -> None:
        self._agreed = [
            {"capability": name, "state": True} for name in AGREED if name in agreed
        ]
        self._start = start
        self._paused = paused
        self.play({"at": SOURCE, "start": start})
        self._new_destination()
        if self._agreed:
            self.qmp(SOURCE, "migrate-set-capabilities", capabilities=self._agreed)
        for i in range(DISKS):
            self._import(i)

    def _new_destination(self) -> None:
        serves = self._nbd == SERVER and self._serves
        if self._nbd == SERVER and not serves:
            self.play({"at": SERVER, "start": self._start})
        self.play({"at": DESTINATION, "start": {**self._start, "paused": self._paused}})
        if self._agreed:
            self.qmp(DESTINATION, "migrate-set-capabilities", capabilities=self._agreed)
        if not serves:
            self._serve()
        self._serves = True

    def _serve(self) -> None:
        self.qmp(self._nbd, "nbd-server-start", addr=NBD_ADDRESS)
        for i in range(DISKS):
            self._export(i)

    def _export(self, number: int) -> None:
        name = f"throttle{number}"
        node = {"driver": "throttle", "throttle-group": LINK, "file": f"disk{number}"}
        self.qmp(self._nbd, "blockdev-add", **{"node-name": name}, **node)
        export = {"id": f"export{number}", "name": f"disk{number}", "type": "nbd"}
        export |= {"node-name": name, "writable": True}
        self.qmp(self._nbd, "block-export-add", **export)

    def _import(self, number: int) -> None:
        node = {"driver": "nbd", "node-name": f"dst{number}", "export": f"disk{number}"}
        server = {"type": "unix", "path": NBD_SOCKET}
        self.qmp(SOURCE, "blockdev-add", **node, server=server)

    def _export_to(self, name: str, number: int, writable: bool) -> None:
        """Export a disk of the source."""
        address = {"type": "unix", "data": {"path": SOCKET}}
        self.qmp(SOURCE, "nbd-server-start", addr=address)
        export = {"id": f"{name}{number}", "name": f"{name}{number}", "type": "nbd"}
        export |= {"writable": writable}
        self.qmp(SOURCE, "block-export-add", **export, **{"node-name": f"disk{number}"})

    # Jobs

    @rule(number=numbers, options=mirror_options)
    def mirror(self, number: int, options: dict[str, Any]) -> None:
        nodes = {"device": f"disk{number}", "target": f"dst{number}", "sync": "full"}
        job = {"job-id": f"m{number}"}
        self.qmp(SOURCE, "blockdev-mirror", **job, **nodes, **options)

    @rule(number=numbers)
    def mirror_until_ready(self, number: int) -> None:
        self.mirror(number, {})
        self.play(step.job(SOURCE, f"m{number}", "ready"))

    @rule(number=numbers)
    def is_ready(self, number: int) -> None:
        self.play(step.job(SOURCE, f"m{number}", "ready", "pending", "concluded"))

    @rule(name=job_names, command=JOB_COMMANDS)
    def job(self, name: str, command: tuple[str, str, dict[str, Any]]) -> None:
        verb, key, arguments = command
        self.qmp(SOURCE, verb, **{key: name}, **arguments)

    @rule(name=job_names)
    def ended(self, name: str) -> None:
        self.play(step.job(SOURCE, name, "pending", "concluded"))

    @rule(number=numbers)
    def import_again(self, number: int) -> None:
        self.qmp(SOURCE, "blockdev-del", **{"node-name": f"dst{number}"})
        self._import(number)

    # Other writers

    @rule(kind=st.sampled_from(["mirror", "backup"]), slow=st.booleans())
    def copy_spare(self, kind: str, slow: bool) -> None:
        for name, file in (("spare", SPARE), ("spare-target", SPARE_TARGET)):
            node = {"driver": "file", "node-name": name, "filename": file}
            self.qmp(SOURCE, "blockdev-add", **node)
        nodes = {"job-id": "spare", "device": "spare", "target": "spare-target"}
        speed = {"speed": MIB} if slow else {}
        self.qmp(SOURCE, f"blockdev-{kind}", **nodes, sync="full", **speed)

    @rule(kind=st.sampled_from(["commit", "stream"]), slow=st.booleans())
    def chain_job(self, kind: str, slow: bool) -> None:
        base = {"driver": "file", "node-name": "base", "filename": SPARE}
        top = {"driver": "qcow2", "node-name": "top", "backing": "base"}
        file = {"driver": "file", "filename": SPARE_QCOW2}
        self.qmp(SOURCE, "blockdev-add", **base)
        self.qmp(SOURCE, "blockdev-add", **top, file=file)
        speed = {"speed": MIB} if slow else {}
        self.qmp(SOURCE, f"block-{kind}", **{"job-id": "spare"}, device="top", **speed)

    @rule(number=numbers, writable=st.booleans())
    def export_source(self, number: int, writable: bool) -> None:
        self._export_to("out", number, writable)

    @rule(number=numbers)
    def client(self, number: int) -> None:
        self.play(step.client(SOURCE, number))

    @rule(number=numbers, name=st.sampled_from(["out", "client"]))
    def end_export(self, number: int, name: str) -> None:
        self.qmp(SOURCE, "block-export-del", id=f"{name}{number}", mode="hard")

    @rule(
        name=st.sampled_from([None, "disk0", "dst0", "dst1", "file0"]),
        active=st.booleans(),
    )
    def set_active(self, name: str | None, active: bool) -> None:
        node = {"node-name": name} if name else {}
        self.qmp(SOURCE, "blockdev-set-active", **node, active=active)

    @rule(number=numbers)
    def resize(self, number: int) -> None:
        self.qmp(SOURCE, "block_resize", **{"node-name": f"disk{number}"}, size=5 * MIB)

    @rule()
    def snapshot(self) -> None:
        file = {"driver": "file", "filename": SPARE_QCOW2}
        node = {"driver": "qcow2", "node-name": "state", "file": file}
        self.qmp(SOURCE, "blockdev-add", **node)
        where = {"tag": "state", "vmstate": "state", "devices": ["state"]}
        self.qmp(SOURCE, "snapshot-save", **{"job-id": "state"}, **where)
        self.play(step.job(SOURCE, "state", "concluded"))
        self.qmp(SOURCE, "job-dismiss", id="state")

    # The guest

    @rule(command=st.sampled_from(["stop", "cont", "system_reset"]))
    def guest(self, command: str) -> None:
        self.qmp(SOURCE, command)

    @rule()
    def records(self) -> None:
        self.play(step.records(SOURCE))

    @rule()
    def mirror_extra(self) -> None:
        node = {"driver": "null-co", "node-name": "extra-target", "size": MIB}
        self.qmp(SOURCE, "blockdev-add", **node)
        nodes = {"job-id": "spare", "device": "extra", "target": "extra-target"}
        self.qmp(SOURCE, "blockdev-mirror", **nodes, sync="full")

    @rule()
    def snapshot_extra(self) -> None:
        file = {"driver": "file", "filename": SPARE_QCOW2}
        node = {"driver": "qcow2", "node-name": "overlay", "backing": None}
        self.qmp(SOURCE, "blockdev-add", **node, file=file)
        self.qmp(SOURCE, "blockdev-snapshot", node="extra", overlay="overlay")

    @rule()
    def unplug(self) -> None:
        self.qmp(SOURCE, "device_del", id="extra")
        self.qmp(DESTINATION, "device_del", id="extra")

    # Migration

    @rule(name=st.sampled_from(PAUSES), state=st.sampled_from([True, True, False]))
    def capability(self, name: str, state: bool) -> None:
        capabilities = [{"capability": name, "state": state}]
        self.qmp(SOURCE, "migrate-set-capabilities", capabilities=capabilities)

    @rule(settled=st.booleans())
    def migrate(self, settled: bool) -> None:
        to = channels(MIGRATION_ADDRESS)
        incoming = {"channels": to, "exit-on-error": False}
        if self._migrates and not self._player.handed_over:
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
    @rule(
        command=st.sampled_from(
            [
                ("migrate_cancel", {}),
                ("migrate-pause", {}),
                ("migrate-start-postcopy", {}),
                ("migrate-continue", {"state": "pre-switchover"}),
                ("migration-complete", {}),
                ("migration-complete", {"release": True}),
            ]
        )
    )
    def go_on(self, command: tuple[str, dict[str, Any]]) -> None:
        self.qmp(SOURCE, command[0], **command[1])

    @rule(
        parameter=st.sampled_from(
            [
                {"max-bandwidth": 0},
                {"max-bandwidth": MIB // 4},
                {"downtime-limit": 1},
                {"downtime-limit": 2000},
            ]
        )
    )
    def parameter(self, parameter: dict[str, int]) -> None:
        self.qmp(SOURCE, "migrate-set-parameters", **parameter)

    # Faults

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

    @rule(
        number=numbers,
        errno=st.sampled_from([5, 28]),
        event=st.sampled_from(["write", "flush"]),
    )
    def target_fails(self, number: int, errno: int, event: str) -> None:
        self._inject(self._nbd, "throttle", number, LINK, event, errno)

    @rule(number=numbers)
    def source_fails(self, number: int) -> None:
        self._inject(SOURCE, "disk", number, READS, "read", 5)

    def _inject(
        self, at: str, over: str, number: int, group: str, event: str, errno: int
    ) -> None:
        """Put blkdebug below a throttle filter."""
        below = f"file{number}" if at == SOURCE else f"disk{number}"
        name = f"blkdebug{number}"
        failing = {"event": "none", "iotype": event, "errno": errno}
        node = {"driver": "blkdebug", "node-name": name, "image": below}
        self.qmp(at, "blockdev-add", **node, **{"inject-error": [failing]})
        node = {"driver": "throttle", "node-name": f"{over}{number}", "file": name}
        node["throttle-group"] = group
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

    @rule(
        instance=st.sampled_from(
            [
                {"type": "migration"},
                {"type": "block-node", "node-name": "dst0"},
                {"type": "block-node", "node-name": "dst1"},
            ]
        )
    )
    def yank(self, instance: dict[str, str]) -> None:
        self.qmp(SOURCE, "yank", instances=[instance])

    @rule(command=st.sampled_from(["query-migrate", "query-jobs", "migrate_cancel"]))
    def hang_up(self, command: str) -> None:
        details = {"execute": command, "arguments": {}}
        self.play(step.fault(SOURCE, "hang-up", **details))

    def teardown(self) -> None:
        """Bring it to its end and have it judged, unless somebody wants to stop now."""
        try:
            if self._player.processes.vms and not self._interrupted:
                self._finish()
                verdict = self._runner.run(self._player.verdict())
                self.judged(verdict, self._player)
        finally:
            self._runner.run(self._player.processes.kill())
            self._runner.close()

    def _finish(self) -> None:
        last = {"finish": self._how}
        if self._over:
            self._player.played.append(last)
            return
        try:
            self._runner.run(ending.Ending(self._player).play(last))
        except Over:
            self._over = True
