# SPDX-License-Identifier: GPL-2.0-or-later
"""What is declared of several scenarios: what is said, and how both builds end."""

from __future__ import annotations

from dataclasses import replace

from ..judging.oracle import Expected

ABORT = (
    r"source: .*bdrv_co_write_req_prepare: "
    r"Assertion `!\(bs->open_flags & BDRV_O_INACTIVE\)' failed"
)
REFUSAL = (
    r"Cannot inactivate node 'dst(\d+)': "
    r"mirror job 'm\1' still has \d+ bytes to copy to it"
)
# A destination says so when the source has given up in the middle of a section.
CUT_SHORT = (
    r"^destination\d*: .*(check_section_footer: Read section footer failed: -5"
    r"|Getting RAM address failed)$"
)
JOB_FAILED = r"mirror job 'm0' failed: Input/output error"
MIRROR_LOST = "^job m0: Input/output error$"
# An NBD server that is ended while it writes can't say any more that it has.
NOT_ANSWERED = r"^destination: .*Disconnect client, due to: Failed to send reply: "
# What a source may say of RAM that it was sending when its connection was lost.
NOT_SAVED = r"failed to save SaveStateEntry with id\(name\): 1\(ram\): -5"
# The source may say that a cancel has cut its connection.
CUT_OFF = (
    "^source: .*(Channel error: Input/output error"
    f"|Unable to write to socket: Broken pipe|{NOT_SAVED})$"
)
UNNAMED_EFAULT = "Error in migration completion: Bad address"
# What a destination says when the source dies in postcopy.
GUEST_LOST = (
    CUT_SHORT,
    r"^destination: .*Unable to shutdown socket: Bad file descriptor$",
    r"^destination: .*Detected IO failure for postcopy. Migration paused.$",
)
UNKNOWN = r"^migrate-set-capabilities: .*'pause-at-complete'"
# The statuses of a migration that completes from the pause, at once or when another
# one was cancelled there.
COMPLETED = ("ready", "completed")
AGAIN = ("ready", "cancelled", *COMPLETED)
PLAIN = Expected(journey=("completed",))
LOST = Expected(journey=("completed",), blocks_lost=True, records_lost=True)
TOO_EARLY = replace(LOST, crash=ABORT)


def waited_for(patched: Expected) -> dict[str, Expected]:
    """Patched lists the mirror; base goes on from its pause: it writes too late."""
    base = replace(TOO_EARLY, journey=older(COMPLETED))
    return {**both(patched), "base": base}


def unchanged(expected: Expected) -> dict[str, Expected]:
    """Both builds do the same."""
    return dict.fromkeys(("base", "patched"), expected)


def mirrors(count: int, status: str = "ready") -> tuple[str, ...]:
    """What `ready` lists, by name, of so many mirrors that have this status."""
    jobs = sorted(f"m{i} dst{i}" for i in range(count))
    return tuple(f"^block-job mirror {job} {status}$" for job in jobs)


def older(journey: tuple[str, ...]) -> tuple[str, ...]:
    """The same journey from the pause that base has."""
    return tuple("pre-switchover" if one == "ready" else one for one in journey)


def both(expected: Expected, *listed: str) -> dict[str, Expected]:
    """Both builds do the same, each from its own pause; patched lists the mirror.

    Or what is `listed`, each time it gets to `ready`.
    """
    times = expected.journey.count("ready")
    return {
        "base": replace(expected, journey=older(expected.journey)),
        "patched": replace(expected, writers=(listed or mirrors(1)) * times),
    }


def unknown_to_base(patched: Expected) -> dict[str, Expected]:
    """Base does not get far without what this is about."""
    return {"base": Expected(errors=(UNKNOWN,)), "patched": patched}
