# SPDX-License-Identifier: GPL-2.0-or-later
"""What grows is found; what only varies is not."""

from __future__ import annotations

from switchover.load.usage import Usage, growth


def usages(*pairs: tuple[int, int]) -> list[Usage]:
    return [Usage(*pair) for pair in pairs]


def test_descriptors_must_not_grow_at_all() -> None:
    assert growth(usages((9, 100), (9, 100), (10, 100))) == [
        "descriptors grow from 9 to 10"
    ]


def test_memory_may_vary_but_not_grow() -> None:
    assert growth(usages((9, 100), (9, 107), (9, 103))) == []
    assert growth(usages((9, 100), (9, 107), (9, 115))) == [
        "memory grows from 100 to 115 KiB"
    ]


def test_one_alone_tells_nothing() -> None:
    assert growth(usages((9, 100))) == growth([]) == []
