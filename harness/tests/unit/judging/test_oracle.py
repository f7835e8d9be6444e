# SPDX-License-Identifier: GPL-2.0-or-later
"""The oracle has to fail when something is wrong; each way is proved here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from switchover.guest import record
from switchover.guest.disk import Difference
from switchover.judging.oracle import (
    DiskEvidence,
    Evidence,
    Expected,
    VMEvidence,
    judge,
    lost_records,
)

ASSERTION = (
    "qemu-system-x86_64: ../block/io.c:1976: bdrv_co_write_req_prepare: "
    "Assertion `!(bs->open_flags & BDRV_O_INACTIVE)' failed.\n"
)
CLEAN = VMEvidence("source", 0, told_to_quit=True, killed=False, stderr="")
EQUAL = DiskEvidence("disk0", Difference(0, None), {1: 1}, found={1: 1})
GOOD = Evidence(vms=(CLEAN,), disks=(EQUAL,), journey=("completed",))
COMPLETED = Expected(journey=("completed",))


def differences(expected: Expected = COMPLETED, **changed: Any) -> list[str]:
    return judge(replace(GOOD, **changed)).matches(expected)


def with_vm(**changed: Any) -> dict[str, Any]:
    return {"vms": (replace(CLEAN, **changed),)}


def with_disk(**changed: Any) -> dict[str, Any]:
    return {"disks": (replace(EQUAL, **changed),)}


def test_a_good_run_is_good() -> None:
    assert differences() == []


def test_an_abort_is_named_by_its_assertion() -> None:
    (crash,) = differences(**with_vm(exit_code=-6, stderr=ASSERTION))
    assert "Assertion `!(bs->open_flags & BDRV_O_INACTIVE)' failed" in crash


def test_an_abort_is_a_crash_even_after_quit() -> None:
    assert differences(**with_vm(exit_code=-6)) == ["unexpected crash: source: SIGABRT"]


def test_a_non_zero_exit_is_a_crash() -> None:
    assert differences(**with_vm(exit_code=1)) == [
        "unexpected crash: source: exit code 1"
    ]


def test_an_exit_that_nobody_asked_for_is_a_crash() -> None:
    assert differences(**with_vm(told_to_quit=False))


def test_a_declared_crash_has_to_happen() -> None:
    (missing,) = differences(Expected(journey=("completed",), crash="Assertion"))
    assert missing.startswith("no crash like")


def test_a_declared_crash_does_not_cover_another_one() -> None:
    expected = Expected(journey=("completed",), crash="Assertion")
    assert differences(expected, **with_vm(exit_code=-11))


def test_one_different_block_is_a_loss() -> None:
    (loss,) = differences(**with_disk(difference=Difference(1, 65536)))
    assert loss == "1 blocks differ, first in disk0 at 65536"


def test_nothing_lost_is_told_from_nothing_compared() -> None:
    assert judge(GOOD).blocks_lost == 0
    assert judge(replace(GOOD, **with_disk(difference=None))).blocks_lost is None


def test_a_difference_at_the_very_start_is_named() -> None:
    (loss,) = differences(**with_disk(difference=Difference(1, 0)))
    assert loss.endswith("in disk0 at 0")


def test_a_declared_loss_has_to_happen() -> None:
    assert differences(replace(COMPLETED, blocks_lost=True)) == [
        "no block is missing, but some had to be"
    ]


def test_lost_records_are_declared_apart_from_blocks() -> None:
    lost = replace(EQUAL, found={})
    some = replace(COMPLETED, records_lost=True)
    assert not differences(some, disks=(lost,))
    (none,) = differences(some)
    assert none == "no acknowledged record is lost, but some had to be"
    by_chance = replace(COMPLETED, records_lost=None)
    assert not differences(by_chance) and not differences(by_chance, disks=(lost,))
    blocks = replace(COMPLETED, blocks_lost=True)
    assert differences(blocks, disks=(replace(lost, difference=Difference(1, 0)),)) == [
        "1 acknowledged records are lost"
    ]


def test_a_lost_acknowledged_record_is_a_loss() -> None:
    assert differences(**with_disk(found={})) == ["1 acknowledged records are lost"]


def test_an_older_record_in_the_slot_is_a_loss() -> None:
    slots = {"acknowledged": {1: 1 + record.SLOTS}, "found": {1: 1}}
    assert differences(**with_disk(**slots)) == ["1 acknowledged records are lost"]


def test_a_newer_record_was_in_flight() -> None:
    disk = replace(EQUAL, found={1: 1 + record.SLOTS, 2: 2})
    assert lost_records(disk) == 0


def test_a_torn_record_is_lost() -> None:
    region = bytearray(record.REGION_BYTES)
    whole = record.pack(0, 1)
    region[record.RECORD_BYTES : 2 * record.RECORD_BYTES] = whole
    assert not differences(**with_disk(found=record.read(bytes(region), 0)))
    region[2 * record.RECORD_BYTES - 1] ^= 1
    assert differences(**with_disk(found=record.read(bytes(region), 0)))


def test_a_hang_is_a_difference() -> None:
    (hang,) = differences(hang="source: no answer within 20 s; see x.backtrace")
    assert "x.backtrace" in hang


def test_what_the_harness_killed_after_a_hang_did_not_crash() -> None:
    killed = with_vm(exit_code=-9, killed=True, told_to_quit=False)
    assert differences(hang="stuck", **killed) == ["hang: stuck"]


def test_what_crashed_before_it_could_be_killed_did_crash() -> None:
    crashed = with_vm(exit_code=-6, killed=True, told_to_quit=False)
    assert differences(**crashed) == ["unexpected crash: source: SIGABRT"]


def test_unexpected_stderr_is_a_difference() -> None:
    assert differences(**with_vm(stderr="warning: odd\n")) == [
        "unexpected on stderr: source: warning: odd"
    ]


def test_declared_stderr_is_none() -> None:
    expected = Expected(journey=("completed",), stderr=("^source: warning: odd$",))
    assert not differences(expected, **with_vm(stderr="warning: odd\n"))


def test_a_failed_write_in_the_guest_is_a_difference() -> None:
    assert differences(guest_errors=("ERR 0 7 5",)) == [
        "failed write in the guest: ERR 0 7 5"
    ]


def test_a_surprise_is_a_difference() -> None:
    assert differences(surprises=("the guest runs in ready",))


@pytest.mark.parametrize(
    ("journey", "way"),
    [
        ((), "nowhere"),
        (("failed",), "failed"),
        (("ready", "completed"), "ready -> completed"),
    ],
)
def test_another_journey_is_a_difference(journey: tuple[str, ...], way: str) -> None:
    assert f"migration went {way}, not completed" in differences(journey=journey)


@pytest.mark.parametrize("kind", ["errors", "writers"])
def test_errors_and_writers_have_to_be_as_declared(kind: str) -> None:
    texts = ("job 'm0'", "job 'm0' is left", "job 'm1' is left")
    declared, left, other = ({kind: (text,)} for text in texts)
    expected = replace(COMPLETED, **dict[str, Any](declared))
    assert not differences(expected, **left)
    told = f"{kind[:-1]} is \"job 'm1' is left\", not \"job 'm0'\""
    assert differences(expected, **other) == [told]
    assert differences(expected)
    assert differences(COMPLETED, **left)


def test_a_guest_that_was_stopped_in_vain_is_a_difference() -> None:
    once = replace(COMPLETED, stops=1)
    assert not differences(once, stops=1)
    assert differences(once, stops=2) == ["the guest was stopped 2 times, not 1"]
    assert differences(replace(COMPLETED, stops=0), stops=1)
    assert not differences(stops=2)


def test_what_is_wrong_whatever_was_declared() -> None:
    assert judge(replace(GOOD, errors=("refused",), journey=("failed",))).wrong() == []
    assert judge(replace(GOOD, hang="stuck")).wrong() == ["hang: stuck"]
    assert judge(replace(GOOD, surprises=("odd",))).wrong() == ["odd"]
    assert judge(replace(GOOD, guest_errors=("ERR 0 7 5",))).wrong()
    assert judge(replace(GOOD, **with_disk(found={}))).wrong()
    assert judge(replace(GOOD, **with_vm(exit_code=-6))).wrong()


def test_a_sanitizer_is_heard() -> None:
    said = "==7==ERROR: LeakSanitizer\nSUMMARY: AddressSanitizer: 8 byte(s) leaked\n"
    leak = with_vm(exit_code=1, stderr=said)
    assert differences(**leak)[0] == (
        "unexpected crash: source: AddressSanitizer: 8 byte(s) leaked"
    )
    assert judge(replace(GOOD, **with_vm(stderr="a.c:1:2: runtime error: x\n"))).wrong()


def test_what_it_says_of_coroutines_is_no_finding() -> None:
    known = (
        "==7==WARNING: ASan doesn't fully support makecontext/swapcontext functions\n"
        "==7==WARNING: ASan is ignoring requested __asan_handle_no_return: stack type\n"
        "False positive error reports may follow\n"
        "For details see https://github.com/google/sanitizers/issues/189\n"
    )
    assert not differences(**with_vm(stderr=known))
    assert differences(**with_vm(stderr=known + "For details see above\n"))
