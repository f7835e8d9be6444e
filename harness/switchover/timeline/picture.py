# SPDX-License-Identifier: GPL-2.0-or-later
"""A timeline as a picture: the whole run above, the switchover magnified below."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import figure as pictures
from .figure import FAINT, INK, LINE, RED, bare, framed, write
from .lane import ROW, draw_lane
from .model import Timeline
from .scale import Scale, scale

WIDTH = 12.0  # inches, as all lengths below
SIDE_GAP = 0.12
LEFT, RIGHT = 1.75, 0.25
TOP, BETWEEN, BOTTOM = 0.72, 0.95, 0.95
# Of what is magnified, before the guest is stopped and after it runs again.
MARGIN = 0.12
TICK_DISTANCE = 0.055
LARGE = 12.5
PHASE_DISTANCE = 0.024
# Where the downtime's length is beside its bar, and not on it.
ROOM_RIGHT = 0.75
STOPPING = "#e9b5b0"
LEGEND = 0.33
BADGE = {"boxstyle": "circle,pad=0.28", "facecolor": INK, "edgecolor": "none"}


def save(timeline: Timeline, path: Path) -> list[Path]:
    """Write path.png and path.svg, each whole or not at all; their paths."""
    return pictures.save(lambda: draw(timeline), path)


def draw(timeline: Timeline) -> Figure:
    """The picture; without a downtime there is nothing to magnify."""
    height = max(_rows(timeline).values()) + ROW
    panels = 2 if timeline.downtime else 1
    total = TOP + panels * height + (panels - 1) * BETWEEN + BOTTOM
    figure = Figure(figsize=(WIDTH, total))
    left = LEFT / WIDTH
    title: dict[str, Any] = {"fontsize": LARGE, "weight": "bold"}
    write(figure, left, 1 - 0.3 / total, timeline.title, va="baseline", **title)
    for number, crash in enumerate(timeline.crashes):
        line = 0.5 + 0.16 * number
        write(figure, left, 1 - line / total, crash.title, color=RED)
    above = _axes(figure, TOP, height, total)
    _overview(above, timeline)
    if timeline.downtime:
        below = _axes(figure, TOP + height + BETWEEN, height, total)
        window = _magnified(timeline)
        _shade(above, timeline, window)
        _panel(below, timeline, window, timeline.downtime.stopping, 1000)
        _mark_phases(below, timeline, window, height)
        _legend(figure, timeline, total)
    return figure


def _rows(timeline: Timeline) -> dict[tuple[str, str], float]:
    """Where each lane's top is, in inches; the downtime is above them all."""
    rows, top, side = {("", "downtime"): 0.0}, ROW, ""
    for lane in timeline.lanes:
        if lane.side != side:
            side, top = lane.side, top + SIDE_GAP
        rows[lane.side, lane.title] = top
        top += ROW
    return rows


def _axes(figure: Figure, top: float, height: float, total: float) -> Axes:
    """Axes of this height (inches), this far below the top of the picture."""
    width = WIDTH - LEFT - RIGHT
    bottom = total - top - height
    box = (LEFT / WIDTH, bottom / total, width / WIDTH, height / total)
    axes = figure.add_axes(box, xlim=(0, 1), ylim=(height, 0))
    bare(axes)
    axes.set_yticks([])
    return axes


def _whole(timeline: Timeline) -> Scale:
    margin = 0.01 * (timeline.end - timeline.start)
    return scale(timeline.start - margin, timeline.end + margin, [])


def _overview(axes: Axes, timeline: Timeline) -> None:
    whole = _whole(timeline)
    _panel(axes, timeline, whole, timeline.start, 1)
    rows = _rows(timeline)
    for crash in timeline.crashes:
        place = whole.place(crash.time)
        top = min(t for (s, _), t in rows.items() if s and crash.title.startswith(s))
        edge: dict[str, Any] = {"mec": "white", "mew": 0.8}
        axes.plot(place, top + ROW / 2, "X", color=RED, ms=9, zorder=9, **edge)


def _magnified(timeline: Timeline) -> Scale:
    """The time around the downtime, up to when the guest runs again."""
    downtime = timeline.downtime
    assert downtime
    first = downtime.stopping
    marks = [s.time for s in timeline.phases if s.time and s.time >= first]
    end = max([downtime.end, *marks])
    changes = [s.start for lane in timeline.lanes for s in lane.spans]
    margin = MARGIN * (downtime.end - downtime.start)
    inside = [t for t in (*changes, *marks, downtime.end) if t <= end]
    known = [first, downtime.start, *inside]
    return scale(first - margin, end + margin, known)


def _shade(axes: Axes, timeline: Timeline, window: Scale) -> None:
    """Show in the overview what is magnified."""
    whole = _whole(timeline)
    left, right = whole.place(window.start), whole.place(window.end)
    axes.axvspan(left, right, color="#f3c75c", alpha=0.35, zorder=0, lw=0)
    bottom = axes.get_ylim()[0]
    for place, corner in ((left, 0.0), (right, 1.0)):
        axes.annotate(
            "",
            (place, bottom),
            xytext=(corner, -72 * BETWEEN + 6),
            textcoords=("axes fraction", "offset points"),
            arrowprops={"arrowstyle": "-", "color": LINE, "lw": 0.8},
            zorder=0,
        )


def _panel(
    axes: Axes,
    timeline: Timeline,
    place: Scale,
    zero: float,
    per_second: float,
) -> None:
    """All lanes, the downtime, and an axis in units of 1/per_second s since zero."""
    ticks = dict(_ticks(place, zero, per_second))
    for left in ticks:
        axes.axvline(left, color=LINE, lw=0.6, zorder=0)
    axes.set_xticks(list(ticks), list(ticks.values()))
    unit = "ms" if per_second == 1000 else "s"
    below = axes.get_ylim()[0] + 0.06
    write(axes, -0.008, below, unit, ha="right", va="top", color=FAINT)
    rows = _rows(timeline)
    for lane in timeline.lanes:
        draw_lane(axes, lane, rows[lane.side, lane.title], place)
    _side_names(axes, timeline)
    _downtime(axes, timeline, place)
    for piece in place.cuts:
        _cut(axes, piece.left, piece.right, piece.end - piece.start)


def _ticks(place: Scale, zero: float, per_second: float) -> Iterator[tuple[float, str]]:
    """Round times that are far enough from each other, in what is to scale."""
    pieces = [p for p in place.pieces if not p.cut]
    length = sum(p.end - p.start for p in pieces)
    room = sum(p.right - p.left for p in pieces)
    least = TICK_DISTANCE * length / room * per_second
    power = 10.0**-6
    steps = (power * 10**n * m for n in range(12) for m in (1, 2, 5))
    step = next(s for s in steps if s >= least)
    last = -1.0
    for piece in pieces:
        number = int((piece.start - zero) * per_second / step) - 1
        while (time := zero + number * step / per_second) <= piece.end:
            left = place.place(time)
            if time >= piece.start and left - last >= TICK_DISTANCE * 0.7:
                yield left, f"{number * step:.6g}"
                last = left
            number += 1


def _side_names(axes: Axes, timeline: Timeline) -> None:
    """Which process the lanes belong to, beside them."""
    rows = _rows(timeline)
    for side in dict.fromkeys(lane.side for lane in timeline.lanes):
        tops = [top for (owner, _), top in rows.items() if owner == side]
        left = -(LEFT - 0.45) / (WIDTH - LEFT - RIGHT)
        name = re.sub(r"(\d+)$", r"\n\1", side)
        middle = (min(tops) + max(tops) + ROW) / 2
        style = {"rotation": 90, "weight": "bold", "multialignment": "center"}
        write(axes, left, middle, name, ha="right", **style)
        ends = [min(tops), max(tops) + ROW]
        axes.plot([left + 0.012] * 2, ends, color=LINE, lw=1.2, clip_on=False)


def _downtime(axes: Axes, timeline: Timeline, place: Scale) -> None:
    downtime = timeline.downtime
    if not downtime:
        return
    style: dict[str, Any] = {"color": RED, "weight": "bold"}
    write(axes, -0.008, ROW / 2, "downtime", ha="right", **style)
    times = downtime.stopping, downtime.start, downtime.end
    first, left, right = map(place.place, times)
    for start, colour in ((first, STOPPING), (left, RED)):
        bar: dict[str, Any] = {
            "color": colour,
            "height": ROW * 0.5,
            "lw": 0,
            "zorder": 3,
        }
        axes.barh(ROW / 2, max(right - start, 0.003), left=start, **bar)
    text = f"{downtime.milliseconds:.1f} ms, STOP to {downtime.ended_by}"
    x, ha = right + 0.006, "left"
    if right > ROOM_RIGHT:
        x, ha = (first - 0.006, "right") if first > 1 - ROOM_RIGHT else (0.5, "center")
    style = {"color": RED, "bbox": framed(1.0), "zorder": 9}
    write(axes, x, ROW / 2, text, ha=ha, **style)


def _cut(axes: Axes, left: float, right: float, seconds: float) -> None:
    """A wait that is not shown to scale, and how long it was."""
    height = axes.get_ylim()[0]
    axes.axvspan(left, right, color="white", alpha=0.55, zorder=5, lw=0)
    middle = (left + right) / 2
    heights = [i * height / 24 for i in range(25)]
    for shift in (-0.004, 0.004):
        zigzag = [middle + shift + (0.003 if i % 2 else -0.003) for i in range(25)]
        axes.plot(zigzag, heights, color=FAINT, lw=0.8, zorder=6)
    style = {"ha": "center", "va": "top", "color": FAINT, "style": "italic"}
    write(axes, middle, height, f"{seconds * 1000:.0f} ms", **style)


def _mark_phases(axes: Axes, timeline: Timeline, place: Scale, height: float) -> None:
    """Numbered lines through all lanes; numbers that would overlap are set apart."""
    badge, last = -0.3, -1.0
    marked = [(p.time, p.number) for p in timeline.phases if p.time]
    for time, number in sorted(marked):
        left = place.place(time)
        last = max(left, last + PHASE_DISTANCE)
        dashes: dict[str, Any] = {"lw": 0.9, "ls": (0, (3, 2)), "zorder": 7}
        axes.plot([left, left], [0, height], color=INK, **dashes)
        axes.plot([left, last], [0, badge + 0.1], color=INK, lw=0.7, clip_on=False)
        _badge(axes, last, badge, number)


def _badge(axes: Axes | Figure, x: float, y: float, number: int) -> None:
    style = {"ha": "center", "color": "white", "weight": "bold", "zorder": 8}
    write(axes, x, y, str(number), bbox=BADGE, **style)


def _legend(figure: Figure, timeline: Timeline, total: float) -> None:
    """What the numbers stand for, and when each phase was."""
    assert timeline.downtime
    left = (LEFT - 0.6) / WIDTH
    room = (1 - left) / len(timeline.phases)
    y = LEGEND / total
    for phase in timeline.phases:
        _badge(figure, left, y, phase.number)
        when, ink = "no evidence", FAINT
        if phase.time is not None:
            after = (phase.time - timeline.downtime.stopping) * 1000
            when, ink = f"{after:+.1f} ms", INK
        text = f"{phase.title}\n{when}"
        write(figure, left + 0.016, y, text, color=ink, linespacing=1.4)
        left += room
