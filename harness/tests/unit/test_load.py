# SPDX-License-Identifier: GPL-2.0-or-later
"""What grows is found; what only varies is not."""

from __future__ import annotations

from switchover.load import growth
from switchover.relay import Sample


def samples(*pairs: tuple[int, int]) -> list[Sample]:
    return [Sample(*pair) for pair in pairs]


def test_what_grows() -> None:
    assert growth(samples((9, 100), (9, 100), (10, 100))) == [
        "descriptors grow from 9.0 to 10.0"
    ]
    assert growth(samples(*((9, 100 + n) for n in range(30)))) == [
        "memory grows from 114 to 124 KiB"
    ]


def test_what_does_not_grow() -> None:
    """Neither chance, nor what is needed once, is growth."""
    by_chance = [(9, 100 + n % 7) for n in range(30)]
    once = [(9, min(100 + 2 * n, 120)) for n in range(30)]
    assert growth(samples(*by_chance)) == growth(samples(*once)) == []
    assert growth(samples((9, 100), (9, 107), (9, 115))) == []


def test_too_few_to_compare() -> None:
    assert growth(samples((9, 100))) == growth([]) == []
