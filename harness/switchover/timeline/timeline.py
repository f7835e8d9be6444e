# SPDX-License-Identifier: GPL-2.0-or-later
"""What happened in a run, as lanes of states and marked steps. Pure functions.

Each state is what a QMP event or a trace event says. Nothing is guessed: what no
event tells of is empty, and a lane without any says so.
"""

from __future__ import annotations

from collections.abc import Iterable

from .model import Crash, Downtime, Phase, Side, Timeline
from .states import RUNNING, guest, job_events, lanes, parkings

ACTIVATION = "migration_block_activation"
# The trace events that are looked at.
EVENTS = (
    "runstate_set",
    ACTIVATION,
    "savevm_section_start",
    "job_state_transition",
    "mirror_set_parked",
    "bdrv_inactivate",
    "bdrv_activate",
)


def build(title: str, sides: Iterable[Side]) -> Timeline:
    """The timeline of a source and its destinations, the source first."""
    sides = [side for side in sides if side.events or side.trace]
    source, *destinations = sides
    winner = next((d for d in destinations if _completed(d)), None)
    downtime = _downtime(source, winner)
    return Timeline(
        title=title,
        # Before the first migration there is only preparation.
        start=_first(source, "MIGRATION") or min(side.first_sign() for side in sides),
        end=max(side.end for side in sides),
        lanes=tuple(lane for side in sides for lane in lanes(side)),
        phases=_phases(source, winner, downtime),
        downtime=downtime,
        crashes=tuple(Crash(s.outcome, s.end) for s in sides if s.outcome),
    )


def _completed(side: Side) -> float | None:
    return _first(side, "MIGRATION", status="completed")


def _downtime(source: Side, winner: Side | None) -> Downtime | None:
    """The last one that ended at the destination, else the last at the source."""
    stops = [event.time for event in source.events if event.name == "STOP"]
    if end := winner and _completed(winner):
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
    running = [s for s in guest(source).spans if s.state == RUNNING]
    left = [span.end for span in running if span.end <= stop]
    return Downtime(left[-1] if left else stop, stop, end, ended_by)


def _phases(
    source: Side, winner: Side | None, downtime: Downtime | None
) -> tuple[Phase, ...]:
    """The five steps of the switchover; the spec's words for them."""
    job_termination: tuple[str, float | None] = ("job termination", None)
    stop = inactive = active = resume = None
    if downtime and winner:
        stop = downtime.stopping
        job_termination = _job_termination(source, stop)
        inactive = source.traced(ACTIVATION, "inactive", stop)
        active = winner.traced(ACTIVATION, "active")
        resume = _first(winner, "RESUME")
    found = (
        ("CPU stop", stop),
        job_termination,
        ("inactivation", inactive),
        ("activation at the destination", active),
        ("CPU start", resume),
    )
    return tuple(Phase(number, *phase) for number, phase in enumerate(found, 1))


def _job_termination(source: Side, start: float) -> tuple[str, float | None]:
    """The last job parked, or gone: whichever is first, it is out of the way."""
    parked = [t for t, _, yes in parkings(source) if yes and t >= start]
    if parked:
        return "jobs parked", parked[-1]
    ended = [
        event.time
        for event in job_events(source)
        if event.data["status"] == "concluded" and event.time >= start
    ]
    return "job termination", ended[-1] if ended else None


def _first(side: Side, name: str, **data: str) -> float | None:
    for event in side.events:
        if event.matches(name, **data):
            return event.time
    return None
