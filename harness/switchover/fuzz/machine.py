# SPDX-License-Identifier: GPL-2.0-or-later
"""What all rules play with: both sides, and how they are connected.

A rule looks at QEMU in one thing alone: a destination that has got the guest is not
replaced. Otherwise the same choices give the same steps. Much is refused, which is an
answer like any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from ..core.errors import HarnessError
from ..guest.disk import MIB
from ..judging.oracle import Verdict
from . import ending, step
from .clients import SOCKET
from .player import Player
from .processes import DESTINATION, LINK, NBD_SOCKET, SERVER, SOURCE
from .step import Step

DISKS = 2
AGREED = ("return-path", "postcopy-ram", "multifd", "auto-converge")

numbers = st.integers(0, DISKS - 1)
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


class Stop(BaseException):
    """Goes through hypothesis, which takes it for an interrupt.

    Its cause has nothing to do with QEMU; there is none when time is up.
    """


@contextmanager
def stopping() -> Iterator[None]:
    """Stops the search at what is no fault of QEMU: hypothesis would shrink it."""
    try:
        yield
    except (HarnessError, OSError) as error:
        raise Stop from error


class Machine(RuleBasedStateMachine):
    """One sequence: makes steps up and plays them as they are made.

    `judged` is called with the verdict; it raises Failure to have the sequence shrunk.
    """

    def __init__(
        self, player: Player, judged: Callable[[Verdict, Player], None]
    ) -> None:
        super().__init__()
        self._player = player
        self._judged = judged
        self._runner = asyncio.Runner()
        self._how = ending.HOW[0]
        # Which side has the NBD server.
        self._nbd = DESTINATION
        self._interrupted = False
        # Whether a migration has begun, and whether there is an NBD server.
        self._migrates = self._serves = False

    def run(self, playing: Coroutine[Any, Any, Any]) -> Any:
        """Run what plays a part; if that is interrupted nothing is judged."""
        try:
            with stopping():
                return self._runner.run(playing)
        except BaseException:
            self._interrupted = True
            raise

    def play(self, one: Step) -> None:
        """Play a step, unless something has happened that must not."""
        self.run(self._player.play(one))

    def qmp(self, at: str, command: str, /, **arguments: Any) -> None:
        """Play a QMP command ("_" in the names of arguments is "-")."""
        self.play(step.execute(at, command, **arguments))

    def _await(self, what: str, **details: Any) -> None:
        """Wait for something at the source, but not for long."""
        self.play({"at": SOURCE, "await": what, **details})

    def _connect(self, iothreads: bool, paused: bool, agreed: set[str]) -> None:
        names = [name for name in AGREED if name in agreed]
        self._agreed = [{"capability": name, "state": True} for name in names]
        self._start = {"disks": DISKS, "iothreads": iothreads}
        self._paused = paused
        self.play({"at": SOURCE, "start": self._start})
        self._new_destination()
        self._agree(SOURCE)
        for number in range(DISKS):
            self._import(number)

    def _agree(self, at: str) -> None:
        if self._agreed:
            self.qmp(at, "migrate-set-capabilities", capabilities=self._agreed)

    def _new_destination(self) -> None:
        serves = self._nbd == SERVER and self._serves
        if self._nbd == SERVER and not serves:
            self.play({"at": SERVER, "start": self._start})
        self.play({"at": DESTINATION, "start": {**self._start, "paused": self._paused}})
        self._agree(DESTINATION)
        if not serves:
            self._serve()
        self._serves = True

    def _serve(self) -> None:
        """Export the destination's disks, each below a limit of its link."""
        self._listen(self._nbd, NBD_SOCKET)
        for i in range(DISKS):
            below = {"throttle_group": LINK, "file": f"disk{i}"}
            self._add(self._nbd, f"throttle{i}", "throttle", **below)
            self._export(self._nbd, f"throttle{i}", f"disk{i}")

    def _listen(self, at: str, socket: str) -> None:
        address = {"type": "unix", "data": {"path": socket}}
        self.qmp(at, "nbd-server-start", addr=address)

    def _export(self, at: str, node: str, name: str, writable: bool = True) -> None:
        export = {"id": name, "name": name, "node_name": node, "writable": writable}
        self.qmp(at, "block-export-add", type="nbd", **export)

    def _export_to(self, name: str, number: int, writable: bool) -> None:
        """Export a disk of the source."""
        self._listen(SOURCE, SOCKET)
        self._export(SOURCE, f"disk{number}", f"{name}{number}", writable)

    def _import(self, number: int) -> None:
        server = {"type": "unix", "path": NBD_SOCKET}
        export = {"export": f"disk{number}", "server": server}
        self._add(SOURCE, f"dst{number}", "nbd", **export)

    def _add(self, at: str, name: str, driver: str, **options: Any) -> None:
        """Add a block node."""
        self.qmp(at, "blockdev-add", node_name=name, driver=driver, **options)

    def teardown(self) -> None:
        """Bring it to its end and have it judged, unless somebody wants to stop now."""
        try:
            if self._player.processes.vms and not self._interrupted:
                self.run(ending.Ending(self._player).play({"finish": self._how}))
                verdict = self.run(self._player.verdict())
                self._judged(verdict, self._player)
        finally:
            self._runner.run(self._player.processes.kill())
            self._runner.close()
