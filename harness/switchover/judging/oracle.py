# SPDX-License-Identifier: GPL-2.0-or-later
"""The one judge: from what was observed to a verdict. Pure functions over data."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass, fields

from ..guest.disk import Difference
from ..guest.record import Slots

ASSERTION = re.compile(r"(?:\S+: )?(\S+:\d+: .*Assertion `.*' failed)")
# What a sanitizer says in one line, without addresses.
SANITIZER = re.compile(r"SUMMARY: (\w+Sanitizer: .*)|(\S+: runtime error: .*)")
# What AddressSanitizer says of every program that has coroutines, once: no finding.
COROUTINES = re.compile(
    r"WARNING: ASan (doesn't fully support makecontext|is ignoring requested __asan)"
    r"|^False positive error reports may follow$"
    r"|^For details see \S+/sanitizers/issues/189$"
)


@dataclass(frozen=True)
class VMEvidence:
    """How one QEMU process ended. A negative exit code is a signal's number."""

    name: str
    exit_code: int | None
    told_to_quit: bool
    killed: bool
    stderr: str


@dataclass(frozen=True)
class DiskEvidence:
    """One disk: the images compared, and its records on the side that goes on.

    `difference` is None when the images were not compared, `found` when no image was
    read. `acknowledged` is what its writer was told. `must_match` tells whether they
    have to be compared once a migration has completed, `written` whether somebody has
    to have been told that records are on it.
    """

    name: str
    difference: Difference | None
    acknowledged: Slots
    found: Slots | None
    must_match: bool = True
    written: bool = True


@dataclass(frozen=True)
class Observed:
    """What was observed and needs no judge to tell what it means.

    `journey` holds the statuses of the source's migrations that matter, in order;
    `errors` the refusals of QMP commands and the reasons of failed migrations;
    `writers` what `ready` listed; `surprises` what the story found to be wrong;
    `stops` how often the guest was stopped at the source. In milliseconds are
    `downtime`; `slowest`, the longest time that the source took to answer; and
    `recovery`, from the death of a destination until the guest ran on at the source.
    """

    journey: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    guest_errors: tuple[str, ...] = ()
    surprises: tuple[str, ...] = ()
    hang: str | None = None
    stops: int = 0
    downtime: float | None = None
    slowest: float | None = None
    recovery: float | None = None


@dataclass(frozen=True)
class Evidence(Observed):
    """All that was observed in one run of a scenario on one build."""

    vms: tuple[VMEvidence, ...] = ()
    disks: tuple[DiskEvidence, ...] = ()


@dataclass(frozen=True)
class Expected:
    """The declared outcome of a scenario on one build. What is not here is wrong.

    `errors`, `writers` and `stderr` are regular expressions: one for each error
    and each writer, in order; `stderr` for lines that may appear. `crash` is found
    in the one crash that has to happen. Where `blocks_lost` is declared some have
    to be missing, where `records_lost` is some that were acknowledged; None leaves
    that to chance. `stops` is how often the guest is stopped at the source; None
    where that tells nothing.
    """

    journey: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    crash: str | None = None
    blocks_lost: bool = False
    records_lost: bool | None = False
    stderr: tuple[str, ...] = ()
    stops: int | None = None


@dataclass(frozen=True)
class Verdict(Observed):
    """What happened, in the terms in which it is declared."""

    crashes: tuple[str, ...] = ()
    stderr: tuple[str, ...] = ()
    blocks_lost: int | None = None
    first_lost: str | None = None
    records_lost: int = 0
    unseen: tuple[str, ...] = ()

    def matches(self, expected: Expected) -> list[str]:
        """The differences from what was declared, in words; empty if none."""
        differences = self._never_right()
        if self.journey != expected.journey:
            differences.append(
                f"migration went {_path(self.journey)}, not {_path(expected.journey)}"
            )
        differences += _unlike("error", self.errors, expected.errors)
        differences += _unlike("writer", self.writers, expected.writers)
        crash = (expected.crash,) if expected.crash else ()
        differences += _unlike("crash", self.crashes, crash)
        differences += self._losses(expected)
        if expected.stops not in (None, self.stops):
            differences.append(
                f"the guest was stopped {self.stops} times, not {expected.stops}"
            )
        for line in self.stderr:
            if not any(re.search(pattern, line) for pattern in expected.stderr):
                differences.append(f"unexpected on stderr: {line}")
        return differences

    def wrong(self) -> list[str]:
        """What must not be whatever was done, in words; empty if nothing.

        For a run of which nothing was declared: commands may have been refused,
        migrations may have failed, and QEMU may have said so on stderr.
        """
        wrong = [*self.crashes, *self._never_right(), *self._losses(Expected())]
        return wrong + [line for line in self.stderr if SANITIZER.search(line)]

    def _never_right(self) -> list[str]:
        wrong = [*self.surprises]
        wrong += [f"failed write in the guest: {e}" for e in self.guest_errors]
        return wrong + ([f"hang: {self.hang}"] if self.hang else [])

    def _losses(self, expected: Expected) -> list[str]:
        losses = []
        if expected.blocks_lost and not self.blocks_lost:
            losses.append("no block is missing, but some had to be")
        if self.blocks_lost and not expected.blocks_lost:
            losses.append(f"{self.blocks_lost} blocks differ, first {self.first_lost}")
        if expected.records_lost and not self.records_lost:
            losses.append("no acknowledged record is lost, but some had to be")
        if self.records_lost and expected.records_lost is False:
            losses.append(f"{self.records_lost} acknowledged records are lost")
        return [*losses, *self.unseen]


def judge(evidence: Evidence) -> Verdict:
    """The verdict on all that was observed."""
    compared = [(d.name, d.difference) for d in evidence.disks if d.difference]
    lost = [f"in {name} at {found.first}" for name, found in compared if found.blocks]
    observed = {field.name: getattr(evidence, field.name) for field in fields(Observed)}
    return Verdict(
        **observed,
        crashes=tuple(c for vm in evidence.vms if (c := crash(vm))),
        stderr=tuple(line for vm in evidence.vms for line in noise(vm)),
        blocks_lost=sum(found.blocks for _, found in compared) if compared else None,
        first_lost=next(iter(lost), None),
        records_lost=sum(map(lost_records, evidence.disks)),
        unseen=tuple(_unseen(evidence)),
    )


def crash(vm: VMEvidence) -> str | None:
    """What ended a process that should not have ended that way, if any.

    One that the harness killed after a hang did not crash, unless it was faster; a
    clean exit is one that was asked for.
    """
    was_killed = vm.killed and vm.exit_code in (None, -signal.SIGKILL)
    if was_killed or (vm.exit_code == 0 and vm.told_to_quit):
        return None
    found = ASSERTION.search(vm.stderr) or SANITIZER.search(vm.stderr)
    if found:
        return f"{vm.name}: {found[found.lastindex or 0]}"
    if vm.exit_code is not None and vm.exit_code < 0:
        return f"{vm.name}: {signal.Signals(-vm.exit_code).name}"
    return f"{vm.name}: exit code {vm.exit_code}"


def noise(vm: VMEvidence) -> list[str]:
    """The lines of stderr, without the assertion that is a crash's text."""
    lines = [line for line in vm.stderr.splitlines() if line.strip()]
    lines = [line for line in lines if not COROUTINES.search(line)]
    if crash(vm):
        said = (ASSERTION, SANITIZER)
        lines = [line for line in lines if not any(p.search(line) for p in said)]
    return [f"{vm.name}: {line}" for line in lines]


def lost_records(disk: DiskEvidence) -> int:
    """In how many slots the disk has less than was acknowledged.

    A newer record is no loss: it was in flight. A torn one counts as not there.
    """
    if (found := disk.found) is None:
        return 0
    return sum(found.get(slot, 0) < told for slot, told in disk.acknowledged.items())


def _unseen(evidence: Evidence) -> Iterator[str]:
    """What should have been looked at, and was not: it proves nothing.

    Where no migration came to anything there is nothing to prove.
    """
    if not evidence.journey:
        return
    completed = evidence.journey[-1] == "completed"
    if completed and not evidence.disks:
        yield "nothing was compared"
    for disk in evidence.disks:
        if completed and disk.must_match and disk.difference is None:
            yield f"{disk.name} was not compared"
        if disk.written and not disk.acknowledged:
            yield f"no record of {disk.name} was acknowledged"
        if disk.written and disk.found is None:
            yield f"no record of {disk.name} was read"


def _unlike(what: str, seen: tuple[str, ...], declared: tuple[str, ...]) -> list[str]:
    """Compare what was seen with patterns, one by one and in order."""
    differences = []
    for text, pattern in zip(seen, declared, strict=False):
        if not re.search(pattern, text):
            differences.append(f"{what} is {text!r}, not {pattern!r}")
    extra, missing = seen[len(declared) :], declared[len(seen) :]
    differences += [f"unexpected {what}: {text}" for text in extra]
    differences += [f"no {what} like {pattern!r}" for pattern in missing]
    return differences


def _path(journey: tuple[str, ...]) -> str:
    return " -> ".join(journey) or "nowhere"
