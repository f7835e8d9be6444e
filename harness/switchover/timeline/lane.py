# SPDX-License-Identifier: GPL-2.0-or-later
"""One lane of a timeline's picture: its name, and a bar for each state."""

from __future__ import annotations

from matplotlib.axes import Axes

from .scale import Scale
from .timeline import Lane, Span

# In inches.
ROW = 0.25
CHARACTER = 0.068
SMALL = 7.5
INK, FAINT, LINE, PAPER = "#20262e", "#737d8a", "#d5dae1", "#f4f6f8"
RED = "#c2382e"
# By the kind of a lane and the state; "" stands for every other state.
COLOURS = {
    "guest": {
        "running": "#3aa376",
        "inmigrate": "#dfe4ea",
        "prelaunch": "#dfe4ea",
        "": "#a9b2bd",
    },
    "migration": {
        "setup": "#d3e0f3",
        "active": "#7fa9de",
        "pre-switchover": "#f3c75c",
        "ready": "#f3c75c",
        "device": "#ea954a",
        "completed": "#3aa376",
        "failed": RED,
        "cancelling": "#b28ab4",
        "cancelled": "#b28ab4",
        "": "#5f83c4",
    },
    "job": {
        "created": "#dfe4ea",
        "running": "#7fa9de",
        "ready": "#7cc9a8",
        "parked": "#8f83cf",
        "waiting": "#f3c75c",
        "pending": "#f3c75c",
        "aborting": RED,
        "concluded": "#a9b2bd",
        "": "#cbd6cf",
    },
    "node": {
        "active": "#a9dcc4",
        "inactive": "#606b79",
        "": "#f3c75c",
    },
}
DARK = (RED, "#606b79", "#3aa376", "#5f83c4", "#8f83cf")


def draw_lane(axes: Axes, lane: Lane, top: float, place: Scale) -> None:
    """Draw a lane whose top is at `top`, in inches."""
    label = {"va": "center", "fontsize": SMALL}
    middle = top + ROW / 2
    axes.text(-0.008, middle, lane.title, ha="right", color=INK, **label)
    axes.barh(
        middle,
        1,
        height=ROW * 0.78,
        color=PAPER,
        hatch="////",
        lw=0,
        zorder=1,
        edgecolor="#dfe3e8",
    )
    if lane.no_evidence:
        text = f"no evidence: {lane.no_evidence}"
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        axes.text(
            0.008,
            middle,
            text,
            ha="left",
            style="italic",
            color=FAINT,
            bbox=box,
            zorder=4,
            **label,
        )
    for span in lane.spans:
        if span.end > place.start and span.start < place.end:
            _span(axes, lane.kind, span, middle, place)


def _span(axes: Axes, kind: str, span: Span, middle: float, place: Scale) -> None:
    left, right = place.place(span.start), place.place(span.end)
    colours = COLOURS[kind]
    colour = colours.get(span.state, colours[""])
    # Hairlines between neighbours, but what is short has to be seen at all.
    edge = {"edgecolor": "white", "lw": 0.5 if right - left > 0.004 else 0}
    axes.barh(
        middle,
        max(right - left, 0.0008),
        left=left,
        height=ROW * 0.78,
        color=colour,
        zorder=2,
        **edge,
    )
    start, end = _widest(left, right, place)
    width = axes.get_window_extent().width / axes.figure.dpi
    if (end - start) * width > CHARACTER * len(span.state) + 0.04:
        ink = "white" if colour in DARK else INK
        middle_x = (start + end) / 2
        axes.text(
            middle_x,
            middle,
            span.state,
            ha="center",
            va="center",
            fontsize=SMALL,
            color=ink,
            zorder=3,
        )


def _widest(left: float, right: float, place: Scale) -> tuple[float, float]:
    """The widest part of a span that no cut goes through: there is its name."""
    edges = [left]
    for cut in place.cuts:
        if left < cut.right and right > cut.left:
            edges += [max(cut.left, left), min(cut.right, right)]
    edges.append(right)
    return max(zip(edges[::2], edges[1::2]), key=lambda part: part[1] - part[0])
