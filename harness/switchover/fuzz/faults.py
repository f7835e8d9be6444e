# SPDX-License-Identifier: GPL-2.0-or-later
"""What happens to processes without a QMP command.

kill      SIGKILL
freeze    SIGSTOP, and SIGCONT after "seconds", whatever happens meanwhile
hang-up   somebody connects to a second monitor, sends "execute" with "arguments",
          and is gone before the answer comes
"""

from __future__ import annotations

import asyncio
import json

from ..core.socketpath import connected
from ..vm import commandline
from ..vm.vm import VM
from .step import Step

CONNECT_SECONDS = 5.0
# Commands that harm a migration or a mirror as a fault does.
COMMANDS = ("block_resize", "blockdev-reopen", "device_del", "nbd-server-stop", "yank")


class Faults:
    """Causes them, and knows what was harmed; end() undoes what can be undone.

    `harmed` is whether something was done that lets a migration fail, or a mirror, at
    any time; `disturbed`, whether it was done to the migration that is the last.
    """

    def __init__(self) -> None:
        self.harmed = self.disturbed = False
        self._frozen: dict[VM, asyncio.TimerHandle] = {}

    def note(self) -> None:
        """Something harmful was done, to what there is now."""
        self.harmed = self.disturbed = True

    async def cause(self, vm: VM, side: str, step: Step) -> None:
        """Cause the fault of a step."""
        # What was frozen goes on as if nothing had happened.
        if step["fault"] == "kill" or step.get("execute") == "migrate_cancel":
            self.note()
        if step["fault"] == "kill":
            self._thaw(vm)
            await vm.kill()
        elif step["fault"] == "freeze":
            self._thaw(vm)
            vm.stall()
            loop = asyncio.get_running_loop()
            self._frozen[vm] = loop.call_later(step["seconds"], self._thaw, vm)
        else:
            request = {"execute": step["execute"], "arguments": step["arguments"]}
            await asyncio.to_thread(_hang_up, vm, side, request)

    def is_frozen(self, vm: VM) -> bool:
        """Whether it stands still now."""
        return vm in self._frozen

    def end(self) -> None:
        """Let everything run again."""
        for vm in list(self._frozen):
            self._thaw(vm)

    def _thaw(self, vm: VM) -> None:
        if timer := self._frozen.pop(vm, None):
            timer.cancel()
            vm.wake()


def _hang_up(vm: VM, side: str, request: object) -> None:
    capabilities = {"execute": "qmp_capabilities"}
    name = commandline.second_socket(side)
    try:
        with connected(vm.folder, name, CONNECT_SECONDS) as connection:
            for message in (capabilities, request):
                connection.sendall(json.dumps(message).encode())
    except OSError:
        # It is gone, or too busy for a second one: there is nothing to hang up.
        pass
