# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules for jobs, and for whatever else writes to disks or changes nodes."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from ..guest.disk import MIB
from .machine import DISKS, Machine, mirror_options, numbers
from .processes import SOURCE, SPARE, SPARE_QCOW2, SPARE_TARGET

job_names = st.sampled_from([*(f"m{i}" for i in range(DISKS)), "spare"])
job_commands = st.sampled_from(
    [
        *(("block-job-cancel", forced) for forced in ({}, {"force": True})),
        *(("block-job-set-speed", {"speed": speed}) for speed in (0, MIB)),
        *((f"job-{verb}", {}) for verb in ("pause", "resume", "finalize", "dismiss")),
        ("block-job-complete", {}),
        ("block-job-change", {"type": "mirror", "copy-mode": "write-blocking"}),
    ]
)


class JobRules(Machine):
    """Mirrors, jobs on images that nobody else needs, exports and their clients."""

    @rule(number=numbers, options=mirror_options)
    def mirror(self, number: int, options: dict[str, Any]) -> None:
        nodes = {"device": f"disk{number}", "target": f"dst{number}"}
        self._mirror(f"m{number}", **nodes, **options)

    def _mirror(self, job: str, **options: Any) -> None:
        self.qmp(SOURCE, "blockdev-mirror", job_id=job, sync="full", **options)

    def _await_job(self, name: str, *until: str) -> None:
        """Until it has one of these statuses, or is gone."""
        self._await("job", id=name, until=[*until, "null"])

    @rule(number=numbers)
    def mirror_until_ready(self, number: int) -> None:
        self.mirror(number, {})
        self._await_job(f"m{number}", "ready")

    @rule(number=numbers)
    def is_ready(self, number: int) -> None:
        self._await_job(f"m{number}", "ready", "pending", "concluded")

    @rule(name=job_names, command=job_commands)
    def job(self, name: str, command: tuple[str, dict[str, Any]]) -> None:
        verb, arguments = command
        by_id = verb.startswith("job-") or verb == "block-job-change"
        self.qmp(SOURCE, verb, **{"id" if by_id else "device": name}, **arguments)

    @rule(name=job_names)
    def ended(self, name: str) -> None:
        self._await_job(name, "pending", "concluded")

    @rule(kind=st.sampled_from(["mirror", "backup"]), slow=st.booleans())
    def copy_spare(self, kind: str, slow: bool) -> None:
        self._add(SOURCE, "spare", "file", filename=SPARE)
        self._add(SOURCE, "spare-target", "file", filename=SPARE_TARGET)
        nodes = {"job-id": "spare", "device": "spare", "target": "spare-target"}
        speed = {"speed": MIB} if slow else {}
        self.qmp(SOURCE, f"blockdev-{kind}", **nodes, sync="full", **speed)

    @rule(kind=st.sampled_from(["commit", "stream"]), slow=st.booleans())
    def chain_job(self, kind: str, slow: bool) -> None:
        self._add(SOURCE, "base", "file", filename=SPARE)
        self._add_qcow2("top", backing="base")
        speed = {"speed": MIB} if slow else {}
        self.qmp(SOURCE, f"block-{kind}", job_id="spare", device="top", **speed)

    def _add_qcow2(self, name: str, **options: Any) -> None:
        file = {"driver": "file", "filename": SPARE_QCOW2}
        self._add(SOURCE, name, "qcow2", file=file, **options)

    @rule()
    def snapshot(self) -> None:
        self._add_qcow2("state")
        where = {"tag": "state", "vmstate": "state", "devices": ["state"]}
        self.qmp(SOURCE, "snapshot-save", job_id="state", **where)
        self._await_job("state", "concluded")
        self.qmp(SOURCE, "job-dismiss", id="state")

    @rule()
    def mirror_extra(self) -> None:
        self._add(SOURCE, "extra-target", "null-co", size=MIB)
        self._mirror("spare", device="extra", target="extra-target")

    @rule()
    def snapshot_extra(self) -> None:
        self._add_qcow2("overlay", backing=None)
        self.qmp(SOURCE, "blockdev-snapshot", node="extra", overlay="overlay")

    @rule(number=numbers)
    def import_again(self, number: int) -> None:
        self.qmp(SOURCE, "blockdev-del", node_name=f"dst{number}")
        self._import(number)

    @rule(number=numbers, writable=st.booleans())
    def export_source(self, number: int, writable: bool) -> None:
        self._export_to("out", number, writable)

    @rule(number=numbers)
    def client(self, number: int) -> None:
        self.play({"at": SOURCE, "client": number})

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
        self.qmp(SOURCE, "block_resize", node_name=f"disk{number}", size=5 * MIB)
