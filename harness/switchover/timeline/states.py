# SPDX-License-Identifier: GPL-2.0-or-later
"""The lanes of one process: what its events and its trace say, and no more."""

from __future__ import annotations

import re
from itertools import pairwise

from ..vm.monitor import Event
from ..vm.trace import Traced
from .model import Lane, Side, Span

RUN_STATE = re.compile(r"current_run_state \d+ \((.+)\) new_state \d+ \((.+)\)")
TRANSITION = re.compile(r"job (\S+) .* transition \((\w+)-->(\w+)\)")
PARKED = re.compile(r"s (\S+) parked (\d)")
NODE = re.compile(r"^node ([^#]\S*)$")
RUNNING = "running"
# What the trace says when it begins; another event shows that it has been done.
BEGUN = {"inactive": "inactivating", "active": "activating"}
DONE = {begun: done for done, begun in BEGUN.items()}


def lanes(side: Side) -> list[Lane]:
    """Guest, migration, its jobs, its nodes."""
    return [guest(side), _migration(side), *_jobs(side), *_nodes(side)]


def _spans(changes: list[tuple[float, str]], end: float) -> tuple[Span, ...]:
    """States that each last until the next change; "" is the end of one."""
    times = pairwise([*(time for time, _ in changes), end])
    named = zip(times, (state for _, state in changes), strict=True)
    return tuple(Span(state, t, max(t, n)) for (t, n), state in named if state)


def guest(side: Side) -> Lane:
    """Run states; the first one lasts since the process was first heard of."""
    changes: list[tuple[float, str]] = []
    for event in side.trace:
        if event.name == "runstate_set" and (m := RUN_STATE.search(event.text)):
            if not changes:
                changes.append((side.first_sign(), m[1]))
            if m[2] != changes[-1][1]:
                changes.append((event.time, m[2]))
    return _lane(side, "guest", "guest", changes, "no runstate_set in the trace")


def _migration(side: Side) -> Lane:
    changes = [(e.time, e.data["status"]) for e in side.events if e.name == "MIGRATION"]
    return _lane(side, "migration", "migration", changes, "no MIGRATION event")


def _lane(
    side: Side, title: str, kind: str, changes: list[tuple[float, str]], why: str = ""
) -> Lane:
    spans = _spans(changes, side.end)
    return Lane(side.name, title, kind, spans, "" if spans else why)


def job_events(side: Side) -> list[Event]:
    """What it said of its jobs, in order."""
    return [e for e in side.events if e.name == "JOB_STATUS_CHANGE"]


def _jobs(side: Side) -> list[Lane]:
    """One lane per job; none where no job ever was."""
    changes: dict[str, list[tuple[float, str]]] = {}
    for event in job_events(side):
        status = event.data["status"]
        state = "" if status == "null" else status
        changes.setdefault(event.data["id"], []).append((event.time, state))
    found = parkings(side)
    for name, known in changes.items():
        parked = [(time, yes) for time, job, yes in found if job == name]
        changes[name] = _parked(known, parked)
    return [_lane(side, f"job {n}", "job", changes[n]) for n in sorted(changes)]


def _parked(
    changes: list[tuple[float, str]], parked_at: list[tuple[float, bool]]
) -> list[tuple[float, str]]:
    """A job's states with "parked" among them; a parked job's standby is that, too."""
    merged: list[tuple[float, str | bool]] = [*changes, *parked_at]
    shown: list[tuple[float, str]] = []
    status, parked = "", False
    for time, news in sorted(merged, key=lambda item: item[0]):
        if isinstance(news, bool):
            parked = news
        else:
            status = news
        hidden = parked and (isinstance(news, bool) or status == "standby")
        state = "parked" if hidden else status
        if not shown or shown[-1][1] != state:
            shown.append((time, state))
    return shown


def parkings(side: Side) -> list[tuple[float, str, bool]]:
    """(time, job, whether it is parked now); the trace knows jobs by address."""
    names = _names_by_address(side)
    found = []
    for event in side.trace:
        if event.name == "mirror_set_parked" and (m := PARKED.search(event.text)):
            known = [n for t, a, n in names if a == m[1] and t <= event.time]
            if known:
                found.append((event.time, known[-1], m[2] == "1"))
    return found


def _names_by_address(side: Side) -> list[tuple[float, str, str]]:
    """(time, address, job): a transition in the trace is one event, in this order.

    Empty if they don't agree, for then it is not known which is which. A job is
    the first member of what mirror_set_parked has the address of.
    """
    traced = [(e.time, TRANSITION.search(e.text)) for e in side.trace]
    transitions = [(t, m) for t, m in traced if m and m[2] != m[3]]
    pairs = list(zip(transitions, job_events(side), strict=False))
    if any(m[3] != event.data["status"] for (_, m), event in pairs):
        return []
    return [(time, m[1], event.data["id"]) for (time, m), event in pairs]


def _nodes(side: Side) -> list[Lane]:
    """One lane per node where the build traces nodes, else one for all of them."""
    changes: dict[str, list[tuple[float, str]]] = {}
    for event in side.trace:
        # Nodes that QEMU has named itself begin with a "#".
        match = NODE.search(event.text)
        if match and event.name in ("bdrv_inactivate", "bdrv_activate"):
            state = "inactive" if event.name == "bdrv_inactivate" else "active"
            changes.setdefault(match[1], []).append((event.time, state))
    if changes:
        return [_lane(side, f"node {n}", "node", changes[n]) for n in sorted(changes)]
    return [_all_nodes(side)]


def _all_nodes(side: Side) -> Lane:
    """Of all nodes together the trace says what begins, and later that it went on.

    A guest that runs meanwhile shows that its nodes are active.
    """
    runs = [span for span in guest(side).spans if span.state == RUNNING]
    changes: list[tuple[float, str]] = []
    for event in side.trace:
        if event.name == "migration_block_activation":
            running = any(span.start <= event.time < span.end for span in runs)
            known = event.text == "active" and running
            state = event.text if known else BEGUN[event.text]
            changes.append((event.time, state))
        elif changes and _confirms(changes[-1][1], event):
            changes.append((event.time, DONE[changes[-1][1]]))
    why = "no migration_block_activation in the trace"
    return _lane(side, "all nodes", "node", changes, why)


def _confirms(state: str, event: Traced) -> bool:
    """Whether an event comes only after what has begun has been done."""
    if state == "inactivating":
        # What is sent after the inactivation.
        return event.name == "savevm_section_start"
    if state == "activating" and (m := RUN_STATE.search(event.text)):
        return m[2] == RUNNING
    return False
