# SPDX-License-Identifier: GPL-2.0-or-later
"""A QEMU process of any age."""

from __future__ import annotations

import asyncio
import socket

from ..vm.vm import VM, written


class OldVM(VM):
    """A VM whose monitor is its stdin and stdout.

    A socket can be handed to a chardev since 2.12 only. It has no console.
    """

    async def _spawn(self) -> None:
        self._monitor_socket, monitor = socket.socketpair()
        with monitor, written(self._stderr) as stderr:
            self._process = await asyncio.create_subprocess_exec(
                *("setpriv", "--pdeathsig", "SIGKILL", "--"),
                *self._command,
                *("-chardev", "stdio,id=monitor,signal=off"),
                *("-mon", "chardev=monitor,mode=control"),
                cwd=self.folder,
                stdin=monitor.fileno(),
                stdout=monitor.fileno(),
                stderr=stderr,
                start_new_session=True,
            )
