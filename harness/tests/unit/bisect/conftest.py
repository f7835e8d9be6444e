# SPDX-License-Identifier: GPL-2.0-or-later
"""No test needs the room that a build needs, and each has a project of its own."""

from __future__ import annotations

import pytest

from switchover.qemu import configure


@pytest.fixture(autouse=True)
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configure, "NEEDED_BYTES", 0)
