# SPDX-License-Identifier: GPL-2.0-or-later
"""Journey: what a guest's stops are, and how long it was away."""

from __future__ import annotations

from fake_vm import FakeVM

from switchover.judging.journey import downtime, recovery, stops
from switchover.vm.monitor import Event


def test_stops_are_counted() -> None:
    source = FakeVM().event("STOP").event("RESUME").event("STOP")
    assert stops(source) == 2


def test_downtime_is_from_the_last_stop_to_the_end_at_the_destination() -> None:
    source = FakeVM().at(1, "STOP").at(2, "STOP").at(3, "STOP")
    arriving = FakeVM().at(3.1, "MIGRATION", status="active").at(4, "RESUME")
    assert downtime(source, arriving) is None
    arriving.at(3.25, "MIGRATION", status="completed")
    assert downtime(source, arriving) == 250
    assert downtime(FakeVM(), arriving) is None


def test_recovery_is_from_the_death_to_the_next_resume() -> None:
    def resumed(*times: float) -> FakeVM:
        source = FakeVM()
        source.events += [Event("RESUME", {}, time) for time in times]
        return source

    dead, alive = FakeVM(), FakeVM()
    dead.killed, dead.ended_at = True, 10.0
    alive.killed, alive.ended_at = False, 5.0
    assert recovery(resumed(9.0, 10.5, 12.0), [alive, dead]) == 500
    assert recovery(resumed(10.0), [alive, dead]) == 0
    assert recovery(resumed(9.0), [alive, dead]) is None
    assert recovery(resumed(9.0), [alive]) is None
