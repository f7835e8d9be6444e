# SPDX-License-Identifier: GPL-2.0-or-later
"""One QEMU process: started, talked to, watched, and always ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from qemu.qmp import ExecuteError, QMPError, Runstate

from ..core.errors import VMLost
from .console import Console
from .monitor import Event, Monitor

T = TypeVar("T")

START_SECONDS = 20.0
REPLY_SECONDS = 20.0
EXIT_SECONDS = 20.0
ASK_SECONDS = 0.05
BACKTRACE_SECONDS = 60


class Died(Exception):
    """The process ended while something was awaited from it."""


class Hang(Exception):
    """A deadline passed; an observation. VM.hang() makes one, with a backtrace."""


class Refused(Exception):
    """A QMP command was answered with an error; str() is its description."""


class VM:
    """One QEMU process with a QMP monitor, and a console if it has a guest.

    It runs in `folder`, so relative paths on its command line and in QMP
    commands are below it; its transcript, console, stderr and backtrace go there.
    `environment` is added to ours. `ended_at` is when its end was seen, in seconds
    since the epoch.
    Both sockets are socket pairs: no path that may be too long, no listener to
    wait for, and an end of file the moment the process is gone.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        folder: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.exit_code: int | None = None
        self.ended_at: float | None = None
        self.told_to_quit = False
        self.killed = False
        self._changed = asyncio.Event()
        self.monitor = Monitor(folder / f"{name}.qmp", self._notify)
        self.console = Console(self._notify)
        self._command = command
        self._environment = environment or {}
        self.folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._stderr.touch()

    @property
    def pid(self) -> int:
        """The number of the process; it has to have been started."""
        assert self._process
        return self._process.pid

    @property
    def events(self) -> list[Event]:
        """All events so far, in the order in which they were received."""
        return self.monitor.received

    @property
    def stderr(self) -> str:
        """What the process has written to its stderr; nothing before its start."""
        return self._stderr.read_text(errors="replace")

    @property
    def _stderr(self) -> Path:
        return self.folder / f"{self.name}.stderr"

    async def start(self) -> None:
        """Start the process and its monitor; raises VMLost when that fails."""
        await self._spawn()
        try:
            async with asyncio.timeout(START_SECONDS):
                await self.monitor.connect(self._monitor_socket)
        except (TimeoutError, QMPError) as error:
            if isinstance(error, TimeoutError):
                await self.backtrace()
            await self.kill()
            raise VMLost(
                f"QEMU {self.name!r} did not start: {self.stderr.strip()}; see "
                f"{self.folder}"
            ) from None
        self._watcher = asyncio.create_task(self._watch())
        events = {"capability": "events", "state": True}
        await self.qmp("migrate-set-capabilities", capabilities=[events])

    async def _spawn(self) -> None:
        self._monitor_socket, monitor = socket.socketpair()
        console_socket, console = socket.socketpair()
        with monitor, console, written(self._stderr) as stderr:
            log = f"logfile={self.name}.console"
            self._process = await asyncio.create_subprocess_exec(
                # A QEMU never outlives the harness, however that ends.
                *("setpriv", "--pdeathsig", "SIGKILL", "--"),
                *self._command,
                *("-chardev", f"socket,id=monitor,fd={monitor.fileno()}"),
                *("-mon", "chardev=monitor,mode=control"),
                *("-chardev", f"socket,id=console,fd={console.fileno()},{log}"),
                *("-serial", "chardev:console"),
                cwd=self.folder,
                env={**os.environ, **self._environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                pass_fds=(monitor.fileno(), console.fileno()),
                start_new_session=True,
            )
        await self.console.connect(console_socket)

    async def _watch(self) -> None:
        """Note the end of the process, after the last thing it said was read."""
        assert self._process
        exit_code = await self._process.wait()
        self.ended_at = time.time()
        await self.console.end()
        while self.monitor.runstate == Runstate.RUNNING:
            await self.monitor.runstate_changed()
        with contextlib.suppress(QMPError, EOFError, OSError):
            await self.monitor.disconnect()
        self.exit_code = exit_code
        self._notify()

    def _notify(self) -> None:
        """Let every wait look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def qmp(self, command: str, **arguments: Any) -> Any:
        """Run a command ("_" in names is "-"); raises Refused, Died, Hang, OSError."""
        given = {key.replace("_", "-"): value for key, value in arguments.items()}
        try:
            async with self._within(REPLY_SECONDS, f"answer to {command}"):
                answer = await self.monitor.execute(command, given)
        except ExecuteError as error:
            raise Refused(f"{command}: {error}") from None
        except QMPError:
            await self.end()
            raise self._died(f"during {command}") from None
        if self.monitor.failure:
            raise self.monitor.failure
        return answer

    async def give(self, descriptor: int, name: str) -> None:
        """Give it a file descriptor, which it calls `name` from then on."""
        self.monitor.send_fd_scm(descriptor)
        await self.qmp("getfd", fdname=name)

    async def until(
        self, what: str, probe: Callable[[], T | None], deadline: float
    ) -> T:
        """Wait until probe() gives something, looking again at all that is new.

        `deadline` is in seconds. Raises Died at once when the process ends, and
        Hang when the deadline passes.
        """
        async with self._within(deadline, what):
            while (value := probe()) is None:
                if self.exit_code is not None:
                    raise self._died(f"before {what}")
                await self._changed.wait()
        return value

    async def until_told(
        self, what: str, ask: Callable[[], Awaitable[bool]], deadline: float
    ) -> None:
        """The same where no event tells: ask again and again."""
        async with self._within(deadline, what):
            while not await ask():
                if self.exit_code is not None:
                    raise self._died(f"before {what}")
                await asyncio.sleep(ASK_SECONDS)

    async def soon(self, probe: Callable[[], T | None], seconds: float) -> T | None:
        """The same, where it may well not happen: None then, and if it ends before."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while (value := probe()) is None and self.exit_code is None:
                    await self._changed.wait()
                return value
        return None

    async def wait_event(
        self, name: str, deadline: float, since: int = 0, **data: Any
    ) -> Event:
        """Wait for an event whose data has these members.

        Events from number `since` on are looked at, also those already there.
        """
        what = " ".join([name, *map(str, data.values())])
        return await self.until(
            what, lambda: self.monitor.find(name, since, **data), deadline
        )

    async def quit(self) -> None:
        """Tell QEMU to quit and wait for it; no error if it is gone already."""
        if self.exit_code is None:
            self.told_to_quit = True
        with contextlib.suppress(Died):
            await self.qmp("quit")
        await self.end()

    def stall(self) -> None:
        """Stop the process where it is, as a host that hangs."""
        self.signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        self.signal(signal.SIGCONT)

    async def yank(self, *instances: str) -> None:
        """Cut connections of these types, out of band: whatever it is doing."""
        given = {"instances": [{"type": instance} for instance in instances]}
        await self.monitor.execute("yank", given, oob=True)

    def signal(self, number: int) -> None:
        """Send a signal to the process, if there still is one."""
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    async def end(self, deadline: float = EXIT_SECONDS) -> int:
        """Wait until the process has ended; its exit code (negative: signal)."""
        return await self.until("end of QEMU", lambda: self.exit_code, deadline)

    async def kill(self) -> None:
        """End the process by force if it still runs."""
        if self._process and self._process.returncode is None:
            self.killed = True
            self.signal(signal.SIGKILL)
            await self._process.wait()
        if self._watcher:
            await self._watcher

    def _died(self, when: str) -> Died:
        return Died(f"{self.name} ended with {self.exit_code} {when}")

    @contextlib.asynccontextmanager
    async def _within(self, seconds: float, what: str) -> AsyncIterator[None]:
        """Raise Hang if it takes longer."""
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            raise await self.hang(f"no {what} within {seconds:.0f} s") from None

    async def hang(self, what: str) -> Hang:
        """What to raise when a deadline has passed; it says where the backtrace is."""
        path = await self.backtrace()
        return Hang(f"{self.name}: {what}" + (f"; see {path}" if path else ""))

    async def backtrace(self) -> Path | None:
        """Have gdb write where all threads are; its path, None without a process.

        The first one is kept: it is the nearest to what went wrong.
        """
        path = self.folder / f"{self.name}.backtrace"
        if path.exists():
            return path
        if not self._process or self._process.returncode is not None:
            return None
        gdb = ("gdb", "-batch", "-p", str(self.pid), "-ex", "thread apply all bt")
        with written(path) as file:
            # If there is no gdb, that is what is written.
            process = await asyncio.create_subprocess_exec(
                *("timeout", str(BACKTRACE_SECONDS), *gdb),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
            await process.wait()
        return path


def written(path: Path) -> BinaryIO:
    """A file for what a process writes."""
    return open(path, "wb")


async def backtraces(vms: Iterable[VM]) -> str:
    """Where the backtraces are of those that still run, which are made now."""
    found = await asyncio.gather(*(vm.backtrace() for vm in vms))
    return ", ".join(str(path) for path in found if path)
