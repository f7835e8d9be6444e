# SPDX-License-Identifier: GPL-2.0-or-later
"""A scenario: a story that is told to a rig, and its declared outcome per build."""

from __future__ import annotations

from dataclasses import dataclass

from ..judging.oracle import Expected
from .rig import Rig


@dataclass(frozen=True)
class Scenario:
    """A story. Which build it runs on is not its business: it goes by what it sees.

    `expected` is the declared outcome by build name, `title` one short line;
    without a guest the source has no kernel and is never started. `agreed` are
    capabilities of both sides, `transport` is the way of each migration's stream.
    """

    name: str
    title: str
    expected: dict[str, Expected]
    disks: int = 1
    with_guest: bool = True
    agreed: tuple[str, ...] = ()
    transport: str = "socket"

    async def run(self, rig: Rig) -> None:
        """Tell the story. Refused, Died and Hang may pass: they are observations."""
        raise NotImplementedError
