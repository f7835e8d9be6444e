# SPDX-License-Identifier: GPL-2.0-or-later
"""A timeline as a picture: the whole run above, the switchover magnified below."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .lane import FAINT, INK, LINE, RED, ROW, SMALL, draw_lane
from .scale import Scale, scale
from .timeline import Timeline

WIDTH = 12.0  # inches, as all lengths below
SIDE_GAP = 0.12
LEFT, RIGHT = 1.75, 0.25
TOP, BETWEEN, BOTTOM = 0.72, 0.95, 0.95
# Of what is magnified, before the guest is stopped and after it runs again.
MARGIN = 0.12
TICK_DISTANCE = 0.055
NORMAL, LARGE = 8.5, 12.5
PHASE_DISTANCE = 0.024
# Where the downtime's length is beside its bar, and not on it.
ROOM_RIGHT = 0.75
STOPPING = "#e9b5b0"
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": NORMAL,
    "svg.hashsalt": "timeline",
    "hatch.linewidth": 0.5,
    "hatch.color": "#dfe3e8",
}


def save(timeline: Timeline, path: Path) -> list[Path]:
    """Write path.png and path.svg, each whole or not at all; their paths."""
    written = []
    with matplotlib.rc_context(STYLE):
        figure = draw(timeline)
        for kind, extra in (("png", {}), ("svg", {"metadata": {"Date": None}})):
            target = path.with_suffix(f".{kind}")
            temporary = path.with_suffix(f".new.{kind}")
            figure.savefig(temporary, dpi=150, facecolor="white", **extra)
            temporary.replace(target)
            written.append(target)
    return written


def draw(timeline: Timeline) -> Figure:
    """The picture; without a downtime there is nothing to magnify."""
    rows = _rows(timeline)
    height = max(rows.values()) + ROW
    panels = 2 if timeline.downtime else 1
    total = TOP + panels * height + (panels - 1) * BETWEEN + BOTTOM
    figure = Figure(figsize=(WIDTH, total))
    figure.text(
        LEFT / WIDTH, 1 - 0.3 / total, timeline.title, fontsize=LARGE, weight="bold"
    )
    for number, crash in enumerate(timeline.crashes):
        figure.text(
            LEFT / WIDTH,
            1 - (0.5 + 0.16 * number) / total,
            crash.title,
            color=RED,
            fontsize=SMALL,
            va="center",
        )
    above = _axes(figure, TOP, height, total)
    _overview(above, timeline, rows)
    if timeline.downtime:
        below = _axes(figure, TOP + height + BETWEEN, height, total)
        window = _magnified(timeline)
        _shade(above, timeline, window)
        _panel(below, timeline, rows, window, timeline.downtime.stopping, 1000)
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
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=FAINT)
    axes.set_yticks([])
    return axes


def _overview(
    axes: Axes, timeline: Timeline, rows: dict[tuple[str, str], float]
) -> None:
    length = timeline.end - timeline.start
    whole = scale(timeline.start - 0.01 * length, timeline.end + 0.01 * length, [])
    _panel(axes, timeline, rows, whole, timeline.start, 1)
    for crash in timeline.crashes:
        place = whole.place(crash.time or timeline.end)
        top = min(t for (s, _), t in rows.items() if s and crash.title.startswith(s))
        axes.plot(
            [place],
            [top + ROW / 2],
            marker="X",
            color=RED,
            ms=9,
            zorder=9,
            mec="white",
            mew=0.8,
        )


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
    length = timeline.end - timeline.start
    whole = scale(timeline.start - 0.01 * length, timeline.end + 0.01 * length, [])
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
    rows: dict[tuple[str, str], float],
    place: Scale,
    zero: float,
    per_second: float,
) -> None:
    """All lanes, the downtime, and an axis in units of 1/per_second s since zero."""
    for left, label in _ticks(place, zero, per_second):
        axes.axvline(left, color=LINE, lw=0.6, zorder=0)
    ticks = list(_ticks(place, zero, per_second))
    axes.set_xticks([left for left, _ in ticks], [label for _, label in ticks])
    unit = "ms" if per_second == 1000 else "s"
    axes.text(
        -0.008,
        axes.get_ylim()[0] + 0.06,
        unit,
        ha="right",
        va="top",
        fontsize=SMALL,
        color=FAINT,
    )
    for lane in timeline.lanes:
        draw_lane(axes, lane, rows[lane.side, lane.title], place)
    _side_names(axes, timeline, rows)
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


def _side_names(
    axes: Axes, timeline: Timeline, rows: dict[tuple[str, str], float]
) -> None:
    """Which process the lanes belong to, beside them."""
    for side in dict.fromkeys(lane.side for lane in timeline.lanes):
        tops = [top for (owner, _), top in rows.items() if owner == side]
        left = -(LEFT - 0.45) / (WIDTH - LEFT - RIGHT)
        name = re.sub(r"(\d+)$", r"\n\1", side)
        middle = (min(tops) + max(tops) + ROW) / 2
        style = {"rotation": 90, "weight": "bold", "color": INK, "fontsize": SMALL}
        style["multialignment"] = "center"
        axes.text(left, middle, name, ha="right", va="center", **style)
        axes.plot(
            [left + 0.012] * 2,
            [min(tops), max(tops) + ROW],
            color=LINE,
            lw=1.2,
            clip_on=False,
        )


def _downtime(axes: Axes, timeline: Timeline, place: Scale) -> None:
    downtime = timeline.downtime
    if not downtime:
        return
    axes.text(
        -0.008,
        ROW / 2,
        "downtime",
        ha="right",
        va="center",
        color=RED,
        fontsize=SMALL,
        weight="bold",
    )
    first, left, right = map(
        place.place, (downtime.stopping, downtime.start, downtime.end)
    )
    for start, colour in ((first, STOPPING), (left, RED)):
        axes.barh(
            ROW / 2,
            max(right - start, 0.003),
            left=start,
            height=ROW * 0.5,
            color=colour,
            zorder=3,
            lw=0,
        )
    text = f"{downtime.milliseconds:.1f} ms, STOP to {downtime.ended_by}"
    x, ha = right + 0.006, "left"
    if right > ROOM_RIGHT:
        x, ha = (first - 0.006, "right") if first > 1 - ROOM_RIGHT else (0.5, "center")
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
    axes.text(
        x,
        ROW / 2,
        text,
        va="center",
        ha=ha,
        color=RED,
        fontsize=SMALL,
        zorder=9,
        bbox=box,
    )


def _cut(axes: Axes, left: float, right: float, seconds: float) -> None:
    """A wait that is not shown to scale, and how long it was."""
    height = axes.get_ylim()[0]
    axes.axvspan(left, right, color="white", alpha=0.55, zorder=5, lw=0)
    middle = (left + right) / 2
    for shift in (-0.004, 0.004):
        points = [
            (middle + shift + (0.003 if i % 2 else -0.003), i * height / 24)
            for i in range(25)
        ]
        axes.plot(*zip(*points), color=FAINT, lw=0.8, zorder=6)
    axes.text(
        middle,
        height,
        f"{seconds * 1000:.0f} ms",
        ha="center",
        va="top",
        fontsize=SMALL,
        color=FAINT,
        style="italic",
    )


def _mark_phases(axes: Axes, timeline: Timeline, place: Scale, height: float) -> None:
    """Numbered lines through all lanes; numbers that would overlap are set apart."""
    badge = -0.3
    last = -1.0
    for phase in sorted(
        (s for s in timeline.phases if s.time), key=lambda s: s.time or 0
    ):
        left = place.place(phase.time or 0)
        last = max(left, last + PHASE_DISTANCE)
        axes.plot(
            [left, left], [0, height], color=INK, lw=0.9, ls=(0, (3, 2)), zorder=7
        )
        axes.plot([left, last], [0, badge + 0.1], color=INK, lw=0.7, clip_on=False)
        axes.text(last, badge, str(phase.number), **_badge(), zorder=8)


def _badge() -> dict[str, object]:
    circle = {"boxstyle": "circle,pad=0.28", "facecolor": INK, "edgecolor": "none"}
    return {
        "ha": "center",
        "va": "center",
        "color": "white",
        "weight": "bold",
        "fontsize": SMALL,
        "bbox": circle,
    }


def _legend(figure: Figure, timeline: Timeline, total: float) -> None:
    """What the numbers stand for, and when each phase was."""
    assert timeline.downtime
    left = (LEFT - 0.6) / WIDTH
    room = (1 - left) / len(timeline.phases)
    for phase in timeline.phases:
        figure.text(left, 0.33 / total, str(phase.number), **_badge())
        when = "no evidence"
        if phase.time is not None:
            when = f"{(phase.time - timeline.downtime.stopping) * 1000:+.1f} ms"
        ink = INK if phase.time is not None else FAINT
        text = f"{phase.title}\n{when}"
        figure.text(
            left + 0.016,
            0.33 / total,
            text,
            fontsize=SMALL,
            color=ink,
            va="center",
            linespacing=1.4,
        )
        left += room
