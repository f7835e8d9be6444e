# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs: when a mirror is behind, and how its end is judged."""

from __future__ import annotations

import asyncio

import pytest
from fake_vm import FakeVM

from switchover.judging.evidence import Notes
from switchover.stories.jobs import BEHIND, Jobs
from switchover.stories.link import Link
from switchover.vm.vm import Hang


def jobs(source: FakeVM, disks: int = 1) -> Jobs:
    link = Link(source, FakeVM(), range(disks))
    return Jobs(source, link, range(disks), Notes())


def left(*remaining: int) -> list[dict[str, object]]:
    return [
        {"device": f"m{i}", "len": 10 * BEHIND, "offset": 10 * BEHIND - count}
        for i, count in enumerate(remaining)
    ]


def ended(source: FakeVM, **data: str) -> FakeVM:
    source.event("BLOCK_JOB_COMPLETED", device="m0", **data)
    return source.event("JOB_STATUS_CHANGE", id="m0", status="null")


def test_they_are_behind_when_each_of_them_is() -> None:
    answers = [left(0, BEHIND), left(BEHIND, 0), left(BEHIND // 2, BEHIND // 2)]
    source = FakeVM(query_block_jobs=[*answers, left(0, 0)])
    asyncio.run(jobs(source, disks=2).fall_behind())
    assert len(source.said("query-block-jobs")) == len(answers)
    (limit,) = source.said("qom-set")
    assert limit["value"]["iops-read"] > 0


def test_the_limit_is_lifted_and_what_it_held_back_let_go() -> None:
    source = FakeVM()
    asyncio.run(jobs(source).catch_up())
    assert source.said("qom-set")[0]["value"] == {"iops-read": 0}
    assert [name for name, _ in source.commands] == ["qom-set", "transaction"]


def test_a_good_end_is_no_error() -> None:
    source = ended(FakeVM())
    driver = jobs(source)
    asyncio.run(driver.ended())
    assert driver._notes == Notes()
    assert source.said("blockdev-del") == [{"node_name": "dst0"}]


def test_a_bad_end_is_an_error() -> None:
    driver = jobs(ended(FakeVM(), error="Input/output error"))
    asyncio.run(driver.ended())
    assert driver._notes.errors == ["job m0: Input/output error"]


def test_an_end_is_waited_for() -> None:
    with pytest.raises(Hang):
        asyncio.run(jobs(FakeVM()).ended())


def test_a_job_that_had_to_break_has_to_have_an_error() -> None:
    driver = jobs(ended(FakeVM(), error="Input/output error"))
    asyncio.run(driver.broken())
    assert not driver._notes.surprises
    driver = jobs(ended(FakeVM()))
    asyncio.run(driver.broken())
    assert driver._notes.surprises == ["m0 ended without error"]


def test_mirrors_that_keep_up_are_a_hang() -> None:
    source = FakeVM(query_block_jobs=tuple(left(BEHIND - 1)))
    with pytest.raises(Hang, match="is behind"):
        asyncio.run(jobs(source).fall_behind())


def test_what_earlier_mirrors_said_does_not_count() -> None:
    source = FakeVM().event("BLOCK_JOB_READY", device="m0")
    with pytest.raises(Hang):
        asyncio.run(jobs(source).mirror_until_ready())


def test_they_are_ended_softly_and_waited_for() -> None:
    source = ended(FakeVM())
    asyncio.run(jobs(source).end())
    assert source.said("block-job-cancel") == [{"device": "m0"}]
    with pytest.raises(Hang):
        asyncio.run(jobs(FakeVM()).end())


def test_a_forced_cancel_is_waited_for() -> None:
    source = FakeVM()
    with pytest.raises(Hang):
        asyncio.run(jobs(source).cancel_by_force())
    assert source.said("block-job-cancel") == [{"device": "m0", "force": True}]
    source.event("BLOCK_JOB_CANCELLED", device="m0")
    asyncio.run(jobs(source).cancel_by_force())
