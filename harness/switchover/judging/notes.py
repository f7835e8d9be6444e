# SPDX-License-Identifier: GPL-2.0-or-later
"""What a story notes down while it is told, for the judge."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Notes:
    """Errors, in order; the writers that `ready` listed; what should not have been.

    `hang` is the text of a hang; `slowest` the longest time that the source took to
    answer, in milliseconds.
    """

    errors: list[str] = field(default_factory=list)
    writers: list[str] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    hang: str | None = None
    slowest: float | None = None

    def check(self, holds: bool, surprise: str) -> None:
        """Note a surprise unless it holds."""
        if not holds:
            self.surprises.append(surprise)
