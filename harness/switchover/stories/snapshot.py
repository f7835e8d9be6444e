# SPDX-License-Identifier: GPL-2.0-or-later
"""A snapshot of a running guest. Its disks are raw: only its state can be saved."""

from __future__ import annotations

import asyncio

from ..qemu.build import Build
from ..vm.vm import VM

SECONDS = 20.0


async def save(vm: VM, build: Build) -> str | None:
    """Save the state of the guest at `vm` to a new image; the error, if any."""
    file = "snapshot.qcow2"
    create = ("create", "-q", "-f", "qcow2", file, "1M")
    await asyncio.to_thread(build.qemu_img, *create, cwd=vm.folder)
    node = {"driver": "qcow2", "file": {"driver": "file", "filename": file}}
    await vm.qmp("blockdev-add", node_name="snapshot", **node)
    where = {"tag": "state", "vmstate": "snapshot", "devices": ["snapshot"]}
    await vm.qmp("snapshot-save", job_id="snapshot", **where)
    await vm.wait_event("JOB_STATUS_CHANGE", SECONDS, id="snapshot", status="concluded")
    jobs = {job["id"]: job for job in await vm.qmp("query-jobs")}
    await vm.qmp("job-dismiss", id="snapshot")
    await vm.qmp("blockdev-del", node_name="snapshot")
    error: str | None = jobs["snapshot"].get("error")
    return error
