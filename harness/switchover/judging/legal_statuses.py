# SPDX-License-Identifier: GPL-2.0-or-later
"""Which status of a migration may follow which, at the source."""

from __future__ import annotations

from collections.abc import Iterable

BEGIN = "none"
_ENDS = {"failed", "cancelling"}
_POSTCOPY = {"postcopy-device", "postcopy-active"}
# What cancelling ends with is told by the status itself.
NEXT: dict[str, set[str]] = {
    BEGIN: {"setup"},
    "setup": {"active", "wait-unplug", *_ENDS},
    "wait-unplug": {"active", *_ENDS},
    "active": {"pre-switchover", "ready", "device", *_POSTCOPY, *_ENDS},
    "pre-switchover": {"device", *_ENDS},
    "ready": {"device", *_ENDS},
    "device": {"completed", *_POSTCOPY, *_ENDS},
    "postcopy-device": {"postcopy-active", "postcopy-paused", "failed"},
    "postcopy-active": {"completed", "postcopy-paused", "failed"},
    "postcopy-paused": {"postcopy-recover-setup", "failed"},
    "postcopy-recover-setup": {"postcopy-recover", "postcopy-paused"},
    "postcopy-recover": {"postcopy-active", "postcopy-paused"},
    "cancelling": {"cancelled"},
    "completed": {"setup"},
    "failed": {"setup"},
    "cancelled": {"setup"},
}
UNDER_WAY = NEXT.keys() - {BEGIN, "completed", "failed", "cancelled"}


def of_migrations(statuses: list[str], snapshots: int) -> list[str]:
    """Without those of snapshots, which go from setup to completed at once.

    `snapshots` is how many were asked for: what is left over has skipped something.
    """
    left: list[str] = []
    for status in statuses:
        if snapshots and status == "completed" and left[-1:] == ["setup"]:
            snapshots -= 1
            left.pop()
        else:
            left.append(status)
    return left


def illegal(statuses: Iterable[str]) -> str | None:
    """The first change of status that must not be, in words; None if there is none."""
    last = BEGIN
    for status in statuses:
        if status not in NEXT[last]:
            return f"status {status} after {last}"
        last = status
    return None
