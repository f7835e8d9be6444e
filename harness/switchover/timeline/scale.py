# SPDX-License-Identifier: GPL-2.0-or-later
"""From time to a place in a picture: in proportion, with the long waits cut short."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

# A wait is cut when it takes more than this many times what else there is to see, ...
CUT = 2.0
# ... and then it takes this part.
SHORTENED = 0.12


@dataclass(frozen=True)
class Piece:
    """A stretch of time (s) and its place, from 0 to 1; a `cut` one is not to scale."""

    start: float
    end: float
    left: float
    right: float
    cut: bool = False


@dataclass(frozen=True)
class Scale:
    """Pieces that follow each other without a gap."""

    pieces: tuple[Piece, ...]

    @property
    def start(self) -> float:
        return self.pieces[0].start

    @property
    def end(self) -> float:
        return self.pieces[-1].end

    @property
    def cuts(self) -> list[Piece]:
        return [piece for piece in self.pieces if piece.cut]

    def place(self, time: float) -> float:
        """Where a time is, from 0 to 1; outside of the scale, its nearer end."""
        for piece in self.pieces:
            if time <= piece.end:
                part = (time - piece.start) / (piece.end - piece.start)
                return piece.left + max(part, 0) * (piece.right - piece.left)
        return 1.0


def scale(start: float, end: float, times: Iterable[float]) -> Scale:
    """The scale from start to end, with `times` at which something changes."""
    inside = sorted({start, end, *(t for t in times if start < t < end)})
    stretches = [(a, b) for a, b in pairwise(inside) if b > a]
    cuts: set[tuple[float, float]] = set()
    for stretch in sorted(stretches, key=lambda s: s[0] - s[1]):
        shown = [s for s in stretches if s not in cuts and s != stretch]
        if _length(stretch) <= CUT * sum(map(_length, shown)) or not shown:
            break
        cuts.add(stretch)
    return _laid_out(stretches, cuts)


def _length(stretch: tuple[float, float]) -> float:
    return stretch[1] - stretch[0]


def _laid_out(
    stretches: list[tuple[float, float]], cuts: set[tuple[float, float]]
) -> Scale:
    rest = sum(_length(s) for s in stretches if s not in cuts)
    room = 1 - SHORTENED * len(cuts)
    pieces, left = [], 0.0
    for stretch in stretches:
        cut = stretch in cuts
        right = left + (SHORTENED if cut else room * _length(stretch) / rest)
        pieces.append(Piece(*stretch, left, right, cut))
        left = right
    return Scale(tuple(pieces))
