# SPDX-License-Identifier: GPL-2.0-or-later
"""What all pictures have in common: colours, letters, and how they are saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..core import files

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

NORMAL, SMALL = 8.5, 7.5
INK, FAINT, LINE, PAPER = "#20262e", "#737d8a", "#d5dae1", "#f4f6f8"
RED, HATCH = "#c2382e", "#dfe3e8"
STYLE: dict[RcKeyType, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": NORMAL,
    # So that the same picture is the same file.
    "svg.hashsalt": "switchover",
    "hatch.linewidth": 0.5,
    "hatch.color": HATCH,
}
METADATA: dict[str, dict[str, Any]] = {"png": {}, "svg": {"Date": None}}


def save(draw: Callable[[], Figure], path: Path) -> list[Path]:
    """Write path.png and path.svg, each whole or not at all; their paths."""
    written = []
    with matplotlib.rc_context(STYLE):
        figure = draw()
        for kind, metadata in METADATA.items():
            target = path.with_suffix(f".{kind}")
            with files.fresh(target) as made:
                figure.savefig(made, dpi=150, facecolor="white", metadata=metadata)
            written.append(target)
    return written


def write(axes: Axes | Figure, x: float, y: float, text: str, **style: Any) -> None:
    """Write small letters; y is their middle."""
    axes.text(x, y, text, **{"fontsize": SMALL, "va": "center", "color": INK, **style})


def framed(padding: float) -> dict[str, Any]:
    """What sets letters apart from what they stand on."""
    return {"facecolor": "white", "edgecolor": "none", "pad": padding}


def bare(axes: Axes) -> None:
    """Leave nothing of the axes but small numbers."""
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=FAINT)
