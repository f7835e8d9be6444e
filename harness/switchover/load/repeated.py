# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that is handed from one QEMU to the next, with all its disks mirrored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..core import files
from ..guest import bootsector, disk
from ..guest.nbdclient import NBDClient, Unexpected
from ..judging import evidence
from ..judging.evidence import Notes
from ..judging.oracle import DiskEvidence, Verdict, judge
from ..qemu.build import Build
from ..vm import commandline, pause
from ..vm.transports import channels
from ..vm.vm import VM, Died, Hang, Refused
from .usage import Usage

DISKS = 16
# The guest writes to the first ones, clients of exports to the others.
GUEST_DISKS = 8
CLIENT_DISKS = range(GUEST_DISKS, DISKS)
SIZE = 4 * disk.MIB
MEMORY_MIB = 16
# Less than a disk: later, a job needs no more of it than it has used by then.
BUFFER = disk.MIB
DEADLINE_SECONDS = 60.0
RECORDS = 2
# How often the last process has a migration cancelled. Before that it does so until it
# has used what is needed once: on unpatched QEMU, too, this takes that long.
WARMING_UP = 50
REPEATED = 100
# Of these there is one at a time.
MIRRORS, CLIENTS, MIGRATION = "nbd.sock", "clients.sock", "migration.sock"
NOWHERE = {"transport": "exec", "args": ["/bin/sh", "-c", "cat > /dev/null"]}
NEXT = {"transport": "socket", "type": "unix", "path": MIGRATION}


class RepeatedMigration:
    """The processes, one after the other.

    `usages` has one of each that has migrated; `attempts`, of the last process, one
    after each attempt that was cancelled, but for the first ones.
    """

    def __init__(self, build: Build, folder: Path) -> None:
        self.usages: list[Usage] = []
        self.attempts: list[Usage] = []
        self._build = build
        self._folder = folder
        self._notes = Notes()
        self._vms: list[VM] = []
        self._clients = {i: NBDClient(i) for i in CLIENT_DISKS}
        self._different: dict[int, disk.Difference] = {}
        self._owner = 0

    async def run(self, rounds: int, done: Callable[[int], None]) -> Verdict:
        """Migrate so many times; `done` is called after each.

        Raises HarnessError or OSError where QEMU is not what went wrong.
        """
        try:
            await self._run(rounds, done)
        except Hang as error:
            self._notes.hang = str(error)
        except (Died, Refused, Unexpected) as error:
            self._notes.surprises.append(str(error))
        finally:
            await self._end_clients()
            for vm in self._vms:
                await vm.kill()
        vms = self._vms
        return judge(evidence.collect(vms, self._disks(), self._notes, vms))

    async def _run(self, rounds: int, done: Callable[[int], None]) -> None:
        files.empty(self._folder)
        bootsector.make(self._folder / "boot.raw", GUEST_DISKS)
        for i in range(DISKS):
            disk.make(self._image(0, i), i, SIZE)
        now = await self._start(0)
        for number in range(1, rounds + 1):
            await self._records(now)
            after = await self._start(number)
            # Before the mirrors: a node that is exported later is the one below a
            # mirror's filter, which does not see its writes then.
            await self._connect_clients(now)
            await self._mirror(now, after)
            self.usages.append(Usage.of(now))
            for _ in range(WARMING_UP if number == rounds else 1):
                await self._cancelled(now)
            for _ in range(REPEATED if number == rounds else 0):
                await self._cancelled(now)
                self.attempts.append(Usage.of(now))
            await self._hand_over(now, after, number)
            if any(difference.blocks for difference in self._different.values()):
                return
            now = after
            done(number)
        await now.quit()

    def remove_images(self) -> None:
        """They are of no use any more."""
        for image in self._folder.glob("*.raw"):
            image.unlink()

    def _image(self, number: int, i: int) -> Path:
        return self._folder / f"{'even' if number % 2 == 0 else 'odd'}{i}.raw"

    async def _start(self, number: int) -> VM:
        """Start a process: the first boots, the others wait for their predecessor."""
        if number:
            for i in range(DISKS):
                disk.make_blank(self._image(number, i), SIZE)
        command = [str(self._build.system), *commandline.machine("tcg", MEMORY_MIB)]
        command += commandline.unflushed("boot", "boot.raw", **{"read-only": True})
        command += ["-device", "virtio-blk-pci,drive=boot,bootindex=0"]
        for i in range(DISKS):
            device = f"virtio-blk-pci,drive=disk{i},iothread=io{i},bootindex={i + 1}"
            # A client of an export writes to the disk of a guest that does not.
            device += ",share-rw=on" if i in CLIENT_DISKS else ""
            command += commandline.unflushed(f"disk{i}", self._image(number, i).name)
            command += ["-object", f"iothread,id=io{i}", "-device", device]
        command += ["-incoming", "defer", "-S"] if number else []
        vm = VM(f"generation{number}", command, self._folder, self._build.environment)
        self._vms.append(vm)
        await vm.start()
        return vm

    async def _serve(self, vm: VM, socket: str) -> None:
        server = {"type": "unix", "data": {"path": socket}}
        await vm.qmp("nbd-server-start", addr=server)

    async def _mirror(self, now: VM, after: VM) -> None:
        """Mirror all disks, half of them write-blocking, until all are READY."""
        await self._serve(after, MIRRORS)
        position = len(now.events)
        for i in range(DISKS):
            await self._export(after, i, f"in{i}", iothread=f"io{i}")
            node = {"driver": "nbd", "export": f"in{i}", "node_name": f"dst{i}"}
            address = {"type": "unix", "path": MIRRORS}
            await now.qmp("blockdev-add", server=address, **node)
            mode = "write-blocking" if i % 2 else "background"
            job = {"job_id": f"m{i}", "device": f"disk{i}", "target": f"dst{i}"}
            job |= {"sync": "full", "copy_mode": mode}
            await now.qmp("blockdev-mirror", **job, buf_size=BUFFER)
        await self._all_jobs(now, "BLOCK_JOB_READY", position)

    async def _all_jobs(self, vm: VM, event: str, position: int = 0) -> None:
        """Wait until each mirror has had an event."""
        for i in range(DISKS):
            await vm.wait_event(event, DEADLINE_SECONDS, position, device=f"m{i}")

    async def _connect_clients(self, now: VM) -> None:
        """Export what the guest doesn't write to, and have it written to."""
        await self._serve(now, CLIENTS)
        for i in CLIENT_DISKS:
            await self._export(now, i, f"out{i}")
            await self._connect(now, i)

    async def _export(self, vm: VM, i: int, name: str, **options: Any) -> None:
        export = {"id": name, "name": name, "node_name": f"disk{i}"}
        await vm.qmp("block-export-add", type="nbd", writable=True, **export, **options)

    async def _connect(self, now: VM, i: int) -> None:
        """Connect a client; QEMU has to be there, and to answer."""
        export = f"out{i}"
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await self._clients[i].connect(self._folder / CLIENTS, export)
        except TimeoutError:
            raise await now.hang(f"{export} can't be connected to") from None
        except (ConnectionError, FileNotFoundError, EOFError) as error:
            raise Unexpected(f"{export} can't be connected to: {error!r}") from None

    async def _end_clients(self) -> None:
        for client in self._clients.values():
            await client.end()

    async def _records(self, vm: VM) -> None:
        more = vm.console.further(range(GUEST_DISKS), RECORDS)
        await vm.until("further acknowledged records", more, DEADLINE_SECONDS)

    async def _clients_write(self, now: VM) -> None:
        """Wait until each export takes writes; a client ends when one is refused."""
        wanted = {client: client.last + RECORDS for client in self._clients.values()}

        async def more() -> bool:
            return all(client.last > wanted[client] for client in wanted)

        await now.until_told("further writes to exports", more, DEADLINE_SECONDS)

    async def _attempt(self, now: VM, address: dict[str, Any]) -> str:
        """Migrate up to the pause; its status, which unpatched QEMU calls otherwise."""
        paused = await pause.newest(now)
        state = {"capability": paused.capability, "state": True}
        await now.qmp("migrate-set-capabilities", capabilities=[state])
        position = len(now.events)
        await now.qmp("migrate", channels=channels(address))
        await self._status(now, paused.status, position)
        return paused.status

    async def _status(self, vm: VM, status: str, position: int = 0) -> None:
        await vm.wait_event("MIGRATION", DEADLINE_SECONDS, position, status=status)

    async def _cancelled(self, now: VM) -> None:
        position = len(now.events)
        await self._attempt(now, NOWHERE)
        await now.qmp("migrate_cancel")
        await self._status(now, "cancelled", position)
        await self._records(now)
        await self._clients_write(now)

    async def _hand_over(self, now: VM, after: VM, number: int) -> None:
        await after.qmp("migrate-incoming", channels=channels(NEXT))
        # What has been received before may be of its own arrival.
        position = len(now.events)
        if await self._attempt(now, NEXT) == "ready":
            await now.qmp("migration-complete", release=True)
        else:
            await now.qmp("nbd-server-stop")
            for i in range(DISKS):
                await now.qmp("block-job-cancel", device=f"m{i}")
            await self._all_jobs(now, "BLOCK_JOB_COMPLETED")
            await now.qmp("migrate-continue", state="pre-switchover")
        await self._status(now, "completed", position)
        await self._status(after, "completed")
        self._owner = number
        for i in range(DISKS):
            pair = self._image(number - 1, i), self._image(number, i)
            self._different[i] = await asyncio.to_thread(disk.compare, *pair)
        await self._end_clients()
        await now.quit()
        await after.qmp("nbd-server-stop")
        await after.qmp("cont")

    def _disks(self) -> list[DiskEvidence]:
        told = evidence.said(self._vms).acknowledged
        told |= {i: client.acknowledged for i, client in self._clients.items()}
        return [
            DiskEvidence(
                name=f"disk{i}",
                difference=self._different.get(i),
                acknowledged=told.get(i, {}),
                found=evidence.found(self._image(self._owner, i), i),
            )
            for i in range(DISKS)
        ]
