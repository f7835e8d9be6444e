# SPDX-License-Identifier: GPL-2.0-or-later
"""A sequence as text: one JSON object a line, each a step, in order.

    {"at": VM, "execute": COMMAND, "arguments": {...}}         QMP; may be refused
    {"at": VM, "await": "job", "id": ID, "until": [...]}       its status; not for long
    {"at": VM, "await": "migration", "until": [...]}           its status; not for long
    {"at": VM, "await": "records"}                             the guest writes some
    {"at": VM, "client": N}                                    writes to client<N>
    {"at": VM, "fault": "kill" | "freeze" | "hang-up", ...}    see faults.py
    {"at": VM, "start": {"disks": N, "iothreads": BOOL, ...}}  see processes.py
    {"finish": "cancel" | "complete" | "quit"}                 the last; see ending.py

VM is "source", "destination" or "server", which is the one that was started last. A
line with "about" is for people.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..core import files

# One of the above.
Step = dict[str, Any]
KINDS = ("execute", "await", "client", "fault", "start", "finish")


class BadSequence(ValueError):
    """A file is no sequence; str() says why."""


def execute(at: str, command: str, /, **arguments: Any) -> Step:
    """A QMP command ("_" in the names of arguments is "-")."""
    given = {key.replace("_", "-"): value for key, value in arguments.items()}
    return {"at": at, "execute": command, "arguments": given}


def write(path: Path, steps: Iterable[Step], about: str) -> None:
    """Write a sequence."""
    lines = [{"about": about}, *steps]
    files.write(path, "".join(json.dumps(line) + "\n" for line in lines))


def about(path: Path) -> dict[str, Any]:
    """What the first line of a sequence is for people; empty if it isn't."""
    first: dict[str, Any] = json.loads(path.read_text().partition("\n")[0])
    return first if "about" in first else {}


def read(path: Path) -> list[Step]:
    """Read a sequence; raises BadSequence when that is none."""
    try:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
    except (OSError, ValueError) as error:
        raise BadSequence(
            f"{path} can't be read as a sequence ({error}); give a file that "
            "scripts/fuzz has written"
        ) from None
    steps = [line for line in lines if "about" not in line]
    for number, step in enumerate(steps, 1):
        if not any(kind in step for kind in KINDS):
            raise BadSequence(f"{path}: step {number} is none: {json.dumps(step)}")
    if not steps or "start" not in steps[0] or "finish" not in steps[-1]:
        raise BadSequence(f'{path} does not begin with "start" and end with "finish"')
    return steps
