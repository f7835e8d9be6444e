# SPDX-License-Identifier: GPL-2.0-or-later
"""Evidence: what the order of a source's statuses gives away."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from fake_vm import FakeVM

from switchover.stories import rig_evidence


@pytest.mark.parametrize(
    ("statuses", "wrong"),
    [
        (("setup", "active", "ready", "device", "completed"), None),
        (("setup", "active", "device", "completed", "setup", "failed"), None),
        (("setup", "completed"), "status completed after setup"),
        (("setup", "active", "ready", "ready"), "status ready after ready"),
        (("setup", "active", "ready", "completed"), "status completed after ready"),
        (("setup", "active", "cancelled"), "status cancelled after active"),
    ],
)
def test_no_status_is_skipped_or_comes_twice(
    statuses: tuple[str, ...], wrong: str | None
) -> None:
    source = FakeVM()
    for status in statuses:
        source.event("MIGRATION", status=status)
    found = rig_evidence._disorder(SimpleNamespace(source=source))
    assert found == ([wrong] if wrong else [])


def test_a_snapshot_is_no_migration() -> None:
    source = FakeVM()
    for status in ("setup", "completed", "setup", "active", "failed"):
        source.event("MIGRATION", status=status)
    source.monitor.commands.append("snapshot-save")
    assert rig_evidence._disorder(SimpleNamespace(source=source)) == []
