# SPDX-License-Identifier: GPL-2.0-or-later
"""A timeline as text: downtime, the five steps, and every change in order."""

from __future__ import annotations

from .model import Crash, Lane, Timeline

BAR = 40


def text(timeline: Timeline) -> str:
    """The whole timeline; times are in ms since the guest was stopped.

    Where it never was, since the first migration began.
    """
    zero = timeline.downtime.stopping if timeline.downtime else timeline.start
    lines = [timeline.title, "", *_downtime(timeline), *_phases(timeline, zero), ""]
    lines += [_crash(crash, zero) for crash in timeline.crashes]
    lines += [f"{'ms':>12}  {'where':<14}{'what':<14}state", *_changes(timeline, zero)]
    lines += [_missing(lane) for lane in timeline.lanes if lane.no_evidence]
    return "\n".join(lines) + "\n"


def _downtime(timeline: Timeline) -> list[str]:
    downtime = timeline.downtime
    if not downtime:
        return ["downtime      the guest was not stopped and started again"]
    before = (downtime.start - downtime.stopping) * 1000
    told = f"{downtime.milliseconds:.1f} ms, from STOP to {downtime.ended_by}"
    length = downtime.end - downtime.stopping
    stopping = int((downtime.start - downtime.stopping) / length * BAR)
    bar = "░" * stopping + "█" * (BAR - stopping)
    return [f"downtime      {bar} {told}; stopping took {before:.1f} ms before"]


def _phases(timeline: Timeline, zero: float) -> list[str]:
    """Each phase; where it falls into the downtime, as a mark below its bar."""
    downtime = timeline.downtime
    lines = []
    for phase in timeline.phases:
        when = "no evidence" if phase.time is None else f"{_ms(phase.time, zero)} ms"
        mark = " " * BAR
        if downtime and phase.time and phase.time <= downtime.end:
            length = downtime.end - downtime.stopping
            place = min(int((phase.time - downtime.stopping) / length * BAR), BAR - 1)
            mark = " " * place + str(phase.number) + " " * (BAR - place - 1)
        lines.append(f"step {phase.number}        {mark} {when:>14}  {phase.title}")
    return lines


def _crash(crash: Crash, zero: float) -> str:
    return f"{_ms(crash.time, zero):>12}  {crash.title}"


def _changes(timeline: Timeline, zero: float) -> list[str]:
    """All spans by their start, a line each."""
    found = [
        (span.start, lane.side, lane.title, span.state)
        for lane in timeline.lanes
        for span in lane.spans
    ]
    return [
        f"{_ms(time, zero):>12}  {side:<14}{title:<14}{state}"
        for time, side, title, state in sorted(found)
        if time >= timeline.start
    ]


def _missing(lane: Lane) -> str:
    return f"{'':>12}  {lane.side:<14}{lane.title:<14}no evidence: {lane.no_evidence}"


def _ms(time: float, zero: float) -> str:
    return f"{(time - zero) * 1000:+.1f}"
