# SPDX-License-Identifier: GPL-2.0-or-later
"""One lane of a timeline's picture: its name, and a bar for each state."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from .figure import FAINT, HATCH, INK, PAPER, RED, framed, write
from .model import Lane, Span
from .scale import Scale

# In inches.
ROW = 0.25
CHARACTER = 0.068
HEIGHT = 0.78 * ROW
GREEN, BLUE, YELLOW, PALE = "#3aa376", "#7fa9de", "#f3c75c", "#dfe4ea"
GREY, DARK_GREY, DARK_BLUE, VIOLET = "#a9b2bd", "#606b79", "#5f83c4", "#8f83cf"
# By the kind of a lane and the state; "" stands for every other state.
COLOURS = {
    "guest": {"running": GREEN, "inmigrate": PALE, "prelaunch": PALE, "": GREY},
    "migration": {
        **{"setup": "#d3e0f3", "active": BLUE, "device": "#ea954a", "": DARK_BLUE},
        **dict.fromkeys(("pre-switchover", "ready"), YELLOW),
        **{"completed": GREEN, "failed": RED},
        **dict.fromkeys(("cancelling", "cancelled"), "#b28ab4"),
    },
    "job": {
        **{"created": PALE, "running": BLUE, "ready": "#7cc9a8", "parked": VIOLET},
        **dict.fromkeys(("waiting", "pending"), YELLOW),
        **{"aborting": RED, "concluded": GREY, "": "#cbd6cf"},
    },
    "node": {"active": "#a9dcc4", "inactive": DARK_GREY, "": YELLOW},
}
DARK = (RED, DARK_GREY, GREEN, DARK_BLUE, VIOLET)


def draw_lane(axes: Axes, lane: Lane, top: float, place: Scale) -> None:
    """Draw a lane whose top is at `top`, in inches."""
    middle = top + ROW / 2
    write(axes, -0.008, middle, lane.title, ha="right")
    paper: dict[str, Any] = {"color": PAPER, "hatch": "////", "edgecolor": HATCH}
    axes.barh(middle, 1, height=HEIGHT, lw=0, zorder=1, **paper)
    if lane.no_evidence:
        text = f"no evidence: {lane.no_evidence}"
        style = {"style": "italic", "color": FAINT, "bbox": framed(1.5)}
        write(axes, 0.008, middle, text, zorder=4, **style)
    for span in lane.spans:
        if span.end > place.start and span.start < place.end:
            _span(axes, lane.kind, span, middle, place)


def _span(axes: Axes, kind: str, span: Span, middle: float, place: Scale) -> None:
    left, right = place.place(span.start), place.place(span.end)
    colours = COLOURS[kind]
    colour = colours.get(span.state, colours[""])
    # Hairlines between neighbours, but what is short has to be seen at all.
    line = 0.5 if right - left > 0.004 else 0
    width = max(right - left, 0.0008)
    bar: dict[str, Any] = {"color": colour, "edgecolor": "white", "lw": line}
    axes.barh(middle, width, left=left, height=HEIGHT, zorder=2, **bar)
    start, end = _widest(left, right, place)
    room = axes.get_window_extent().width / axes.figure.dpi
    if (end - start) * room > CHARACTER * len(span.state) + 0.04:
        ink = "white" if colour in DARK else INK
        centre = (start + end) / 2
        write(axes, centre, middle, span.state, ha="center", color=ink, zorder=3)


def _widest(left: float, right: float, place: Scale) -> tuple[float, float]:
    """The widest part of a span that no cut goes through: there is its name."""
    edges = [left]
    for cut in place.cuts:
        if left < cut.right and right > cut.left:
            edges += [max(cut.left, left), min(cut.right, right)]
    edges.append(right)
    return max(
        zip(edges[::2], edges[1::2], strict=True), key=lambda part: part[1] - part[0]
    )
