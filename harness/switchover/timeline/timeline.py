# SPDX-License-Identifier: GPL-2.0-or-later
"""What happened in a run, as lanes of states and marked steps. Pure functions.

Each state is what a QMP event or a trace event says. Nothing is guessed: what no
event tells of is empty, and a lane without any says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ..vm.monitor import Event
from ..vm.trace import Traced

# The trace events that are looked at.
EVENTS = (
    "runstate_set",
    "migration_block_activation",
    "savevm_section_start",
    "job_state_transition",
    "mirror_set_parked",
    "bdrv_inactivate",
    "bdrv_activate",
)
RUN_STATE = re.compile(r"current_run_state \d+ \((.+)\) new_state \d+ \((.+)\)")
TRANSITION = re.compile(r"job (\S+) .* transition \((\w+)-->(\w+)\)")
PARKED = re.compile(r"s (\S+) parked (\d)")
NODE = re.compile(r"^node ([^#]\S*)$")
RUNNING = "running"
NEXT_TELLS = {"inactive": "inactivating", "active": "activating"}


@dataclass(frozen=True)
class Side:
    """One QEMU process: what it said by QMP and trace, and how it ended.

    `end` is the time at which it was seen to be gone, `outcome` what that was.
    """

    name: str
    events: tuple[Event, ...]
    trace: tuple[Traced, ...]
    end: float
    outcome: str = ""


@dataclass(frozen=True)
class Span:
    """A state from `start` to `end`, in seconds since the epoch."""

    state: str
    start: float
    end: float


@dataclass(frozen=True)
class Lane:
    """One thing's states over time; `kind` says of what sort the states are."""

    side: str
    title: str
    kind: str
    spans: tuple[Span, ...] = ()
    no_evidence: str = ""


@dataclass(frozen=True)
class Phase:
    """One of the five steps of a switchover; without `time` nothing tells of it."""

    number: int
    title: str
    time: float | None = None


@dataclass(frozen=True)
class Downtime:
    """How long the guest was stopped, and what it ended with.

    From the source's STOP to the destination's `completed`, as in all figures,
    or to the source's RESUME if it did not switch over. `stopping` is when it
    left the state "running": its CPUs stand still while what is in flight is
    awaited, and STOP comes only then.
    """

    stopping: float
    start: float
    end: float
    ended_by: str

    @property
    def milliseconds(self) -> float:
        return (self.end - self.start) * 1000


@dataclass(frozen=True)
class Timeline:
    """A whole run, from the first to the last thing that is known of it."""

    title: str
    start: float
    end: float
    lanes: tuple[Lane, ...] = ()
    phases: tuple[Phase, ...] = ()
    downtime: Downtime | None = None
    crashes: tuple[Phase, ...] = field(default=())


def build(title: str, sides: Iterable[Side]) -> Timeline:
    """The timeline of a source and its destinations, the source first."""
    sides = [side for side in sides if side.events or side.trace]
    source, *destinations = sides
    winner = next((d for d in destinations if _completed(d)), None)
    downtime = _downtime(source, winner)
    return Timeline(
        title=title,
        start=_beginning(sides),
        end=max(side.end for side in sides),
        lanes=tuple(lane for side in sides for lane in lanes(side)),
        phases=_phases(source, winner, downtime),
        downtime=downtime,
        crashes=tuple(Phase(0, s.outcome, s.end) for s in sides if s.outcome),
    )


def lanes(side: Side) -> list[Lane]:
    """The lanes of one process: guest, migration, its jobs, its nodes."""
    return [_guest(side), _migration(side), *_jobs(side), *_nodes(side)]


def _beginning(sides: list[Side]) -> float:
    """When the first migration began; before it there is only preparation."""
    for event in sides[0].events:
        if event.name == "MIGRATION":
            return event.time
    return min(map(_first_sign, sides))


def _first_sign(side: Side) -> float:
    return min(event.time for event in (*side.events, *side.trace))


def _spans(changes: list[tuple[float, str]], end: float) -> tuple[Span, ...]:
    """States that each last until the next change; "" is the end of one."""
    following = [time for time, _ in changes[1:]] + [end]
    spans = [Span(s, t, max(t, n)) for (t, s), n in zip(changes, following) if s]
    return tuple(spans)


def _guest(side: Side) -> Lane:
    """Run states; the first one lasts since the process was first heard of."""
    changes: list[tuple[float, str]] = []
    for event in side.trace:
        if event.name == "runstate_set" and (m := RUN_STATE.search(event.text)):
            if not changes:
                changes.append((_first_sign(side), m[1]))
            if m[2] != changes[-1][1]:
                changes.append((event.time, m[2]))
    return _lane(side, "guest", "guest", changes, "no runstate_set in the trace")


def _migration(side: Side) -> Lane:
    changes = [(e.time, e.data["status"]) for e in side.events if e.name == "MIGRATION"]
    return _lane(side, "migration", "migration", changes, "no MIGRATION event")


def _lane(
    side: Side, title: str, kind: str, changes: list[tuple[float, str]], why: str
) -> Lane:
    spans = _spans(changes, side.end)
    return Lane(side.name, title, kind, spans, "" if spans else why)


def _job_events(side: Side) -> list[Event]:
    return [e for e in side.events if e.name == "JOB_STATUS_CHANGE"]


def _jobs(side: Side) -> list[Lane]:
    """One lane per job; none where no job ever was."""
    changes: dict[str, list[tuple[float, str]]] = {}
    for event in _job_events(side):
        status = event.data["status"]
        state = "" if status == "null" else status
        changes.setdefault(event.data["id"], []).append((event.time, state))
    parkings: dict[str, list[tuple[float, bool]]] = {name: [] for name in changes}
    for time, job, parked in _parkings(side):
        parkings[job].append((time, parked))
    return [
        _lane(side, f"job {name}", "job", _parked(changes[name], parkings[name]), "")
        for name in sorted(changes)
    ]


def _parked(
    changes: list[tuple[float, str]], parkings: list[tuple[float, bool]]
) -> list[tuple[float, str]]:
    """A job's states with "parked" among them; a parked job's standby is that, too."""
    merged = sorted([*changes, *parkings], key=lambda item: item[0])
    shown, status, parked = [], "", False
    for time, news in merged:
        if isinstance(news, bool):
            parked = news
        else:
            status = news
        hidden = parked and (isinstance(news, bool) or status == "standby")
        state = "parked" if hidden else status
        if not shown or shown[-1][1] != state:
            shown.append((time, state))
    return shown


def _parkings(side: Side) -> list[tuple[float, str, bool]]:
    """(time, job, whether it is parked now); the trace knows jobs by address."""
    names = _names_by_address(side)
    found = []
    for event in side.trace:
        if event.name == "mirror_set_parked" and (m := PARKED.search(event.text)):
            known = [
                n for t, address, n in names if address == m[1] and t <= event.time
            ]
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
    pairs = list(zip(transitions, _job_events(side)))
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
        return [
            _lane(side, f"node {name}", "node", changes[name], "")
            for name in sorted(changes)
        ]
    return [_all_nodes(side)]


def _all_nodes(side: Side) -> Lane:
    """Of all nodes together the trace says what begins, and later that it went on.

    A guest that runs meanwhile shows that its nodes are active.
    """
    runs = [span for span in _guest(side).spans if span.state == RUNNING]
    changes: list[tuple[float, str]] = []
    for event in side.trace:
        if event.name == "migration_block_activation":
            running = any(span.start <= event.time < span.end for span in runs)
            known = event.text == "active" and running
            state = event.text if known else NEXT_TELLS[event.text]
            changes.append((event.time, state))
        elif changes and _confirms(changes[-1][1], event):
            done = {v: k for k, v in NEXT_TELLS.items()}[changes[-1][1]]
            changes.append((event.time, done))
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


def _completed(side: Side) -> float | None:
    for event in side.events:
        if event.matches("MIGRATION", status="completed"):
            return event.time
    return None


def _downtime(source: Side, winner: Side | None) -> Downtime | None:
    """The last one that ended at the destination, else the last at the source."""
    stops = [event.time for event in source.events if event.name == "STOP"]
    end = winner and _completed(winner)
    if end:
        before = [stop for stop in stops if stop <= end]
        return _stopped(source, before[-1], end, "completed") if before else None
    resumes = [event.time for event in source.events if event.name == "RESUME"]
    pairs = [(s, r) for s in stops for r in resumes if r > s]
    if not pairs:
        return None
    start = max(s for s, _ in pairs)
    end = min(r for s, r in pairs if s == start)
    return _stopped(source, start, end, "RESUME")


def _stopped(source: Side, stop: float, end: float, ended_by: str) -> Downtime:
    """The downtime, with the last time before STOP that the guest was running."""
    running = [s for s in _guest(source).spans if s.state == RUNNING]
    left = [span.end for span in running if span.end <= stop]
    return Downtime(left[-1] if left else stop, stop, end, ended_by)


def _phases(
    source: Side, winner: Side | None, downtime: Downtime | None
) -> tuple[Phase, ...]:
    """The five steps of the switchover; the spec's words for them."""
    titles = ("CPU stop", "job termination", "inactivation")
    titles += ("activation at the destination", "CPU start")
    steps = [Phase(number, title) for number, title in enumerate(titles, 1)]
    if downtime and winner:
        start = downtime.stopping
        steps[0] = replace(steps[0], time=start)
        steps[1] = _job_termination(steps[1], source, start)
        steps[2] = replace(steps[2], time=_first_inactive(source, start))
        steps[3] = replace(steps[3], time=_activation(winner))
        resumes = [e.time for e in winner.events if e.name == "RESUME"]
        steps[4] = replace(steps[4], time=resumes[0] if resumes else None)
    return tuple(steps)


def _job_termination(step: Phase, source: Side, start: float) -> Phase:
    """The last job parked, or gone: whichever is first, it is out of the way."""
    parked = [t for t, _, yes in _parkings(source) if yes and t >= start]
    if parked:
        return replace(step, title="jobs parked", time=parked[-1])
    ended = [
        event.time
        for event in _job_events(source)
        if event.data["status"] == "concluded" and event.time >= start
    ]
    return replace(step, time=ended[-1] if ended else None)


def _first_inactive(source: Side, start: float) -> float | None:
    for event in source.trace:
        begun = event.name == "migration_block_activation" and event.text == "inactive"
        if begun and event.time >= start:
            return event.time
    return None


def _activation(winner: Side) -> float | None:
    for event in winner.trace:
        if event.name == "migration_block_activation" and event.text == "active":
            return event.time
    return None
