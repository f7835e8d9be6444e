# SPDX-License-Identifier: GPL-2.0-or-later
"""A scale is in proportion, but for waits that would leave no room for the rest."""

from __future__ import annotations

import pytest

from switchover.timeline.scale import SHORTENED, scale


def test_without_long_waits_it_is_in_proportion() -> None:
    even = scale(10, 20, [12, 14, 16, 18])
    assert even.cuts == []
    assert [even.place(t) for t in (10, 15, 20)] == pytest.approx([0, 0.5, 1])


def test_a_long_wait_is_cut() -> None:
    found = scale(0, 100, [1, 2, 3, 97])
    (cut,) = found.cuts
    assert (cut.start, cut.end) == (3, 97)
    assert cut.right - cut.left == pytest.approx(SHORTENED)
    assert found.place(0) == 0
    assert found.place(100) == pytest.approx(1)
    assert found.place(2) - found.place(1) == pytest.approx(
        found.place(3) - found.place(2)
    )


def test_outside_it_is_at_the_nearer_end() -> None:
    found = scale(10, 20, [])
    assert (found.place(5), found.place(25)) == (0, 1)
