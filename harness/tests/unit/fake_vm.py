# SPDX-License-Identifier: GPL-2.0-or-later
"""A VM without a process: it answers from a table and has the events it is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from switchover.vm.console import Console
from switchover.vm.monitor import Event
from switchover.vm.vm import VM, Hang

# How often until_told() asks before it takes this for a hang.
ATTEMPTS = 3


class FakeVM(VM):
    """Notes every command in `commands`; an answer that is a list is used up.

    One that is an exception is raised.
    """

    # Of a VM these are what a process has left.
    events: list[Event] = []
    stderr = ""

    def __init__(self, name: str = "fake", **answers: Any) -> None:
        self.name = name
        self.folder = Path()
        self.events = []
        self.commands: list[tuple[str, dict[str, Any]]] = []
        self.given: list[str] = []
        # As one that has quit, and whose guest has said nothing.
        self.exit_code, self.ended_at = 0, None
        self.told_to_quit, self.killed = True, False
        self.console = Console(lambda: None)
        # What the guest says, piece by piece, while it is waited for something.
        self.to_say: list[str] = []
        # Of the monitor, the names alone.
        self.monitor: Any = SimpleNamespace(commands=[], find=self._find)
        self._answers = {key.replace("_", "-"): answers[key] for key in answers}

    def event(self, name: str, **data: Any) -> FakeVM:
        return self.at(0, name, **data)

    def at(self, time: float, name: str, **data: Any) -> FakeVM:
        self.events.append(Event(name, data, time))
        return self

    def said(self, command: str) -> list[dict[str, Any]]:
        """The arguments of each such command."""
        return [arguments for name, arguments in self.commands if name == command]

    async def start(self) -> None:
        pass

    async def quit(self) -> None:
        await self.qmp("quit")

    async def kill(self) -> None:
        self.killed = True

    async def give(self, _descriptor: int, name: str) -> None:
        self.given.append(name)

    async def qmp(self, command: str, **arguments: Any) -> Any:
        self.commands.append((command, arguments))
        answer = self._answers.get(command, {})
        if isinstance(answer, Exception):
            raise answer
        return answer.pop(0) if isinstance(answer, list) else answer

    async def hang(self, what: str) -> Hang:
        return Hang(f"{self.name}: {what}; see {await self.backtrace()}")

    async def backtrace(self) -> Path:
        return self.folder / f"{self.name}.backtrace"

    async def until(self, what: str, probe: Callable[[], Any], _deadline: float) -> Any:
        while (found := probe()) is None:
            if not self.to_say:
                raise Hang(what)
            self.console.text += self.to_say.pop(0)
        return found

    async def soon(self, probe: Callable[[], Any], _seconds: float) -> Any:
        return probe()

    async def until_told(
        self, what: str, ask: Callable[[], Awaitable[bool]], _deadline: float
    ) -> None:
        for _ in range(ATTEMPTS):
            if await ask():
                return
        raise Hang(what)

    async def wait_event(
        self, name: str, deadline: float, since: int = 0, **data: Any
    ) -> Event:
        event = self._find(name, since, **data)
        if event is None:
            raise Hang(f"{name} within {deadline}")
        return event

    def _find(self, name: str, since: int = 0, **data: Any) -> Event | None:
        found = (e for e in self.events[since:] if e.matches(name, **data))
        return next(found, None)


def fake(vm: VM) -> FakeVM:
    """The same, for who knows that it is a fake one."""
    assert isinstance(vm, FakeVM)
    return vm
