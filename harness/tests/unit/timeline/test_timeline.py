# SPDX-License-Identifier: GPL-2.0-or-later
"""A timeline shows what events and trace say, and says where they say nothing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fake_vm import FakeVM
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from switchover.judging.oracle import Evidence, VMEvidence
from switchover.timeline import draw_run, picture, states, text, timeline
from switchover.timeline.model import Lane, Side, Timeline
from switchover.vm import trace
from switchover.vm.monitor import Event
from switchover.vm.trace import Traced


def status(name: str, time: float) -> Event:
    return Event("MIGRATION", {"status": name}, time)


def job(name: str, state: str, time: float) -> Event:
    return Event("JOB_STATUS_CHANGE", {"id": name, "status": state}, time)


def run_state(old: str, new: str, time: float) -> Traced:
    text = f"current_run_state 1 ({old}) new_state 2 ({new})"
    return Traced("runstate_set", text, time)


def transition(address: str, old: str, new: str, time: float) -> Traced:
    text = f"job {address} (ret: 0) attempting allowed transition ({old}-->{new})"
    return Traced("job_state_transition", text, time)


def activation(what: str, time: float) -> Traced:
    return Traced("migration_block_activation", what, time)


SENT = Traced("savevm_section_start", "ram, section_id 2", 10.4)
SOURCE = Side(
    "source",
    (
        status("active", 1),
        job("m0", "running", 2),
        job("m0", "ready", 3),
        Event("STOP", {}, 10.1),
        job("m0", "concluded", 10.2),
        job("m0", "null", 10.2),
        status("completed", 10.8),
    ),
    (
        activation("active", -1),
        run_state("prelaunch", "running", 0),
        run_state("running", "finish-migrate", 10),
        activation("inactive", 10.3),
        SENT,
    ),
    end=12,
)
DESTINATION = Side(
    "destination",
    (status("active", 1), status("completed", 10.9), Event("RESUME", {}, 11.5)),
    (
        run_state("inmigrate", "paused", 10.9),
        activation("active", 11.4),
        run_state("paused", "running", 11.5),
    ),
    end=12,
)


def story(source: Side = SOURCE, destination: Side = DESTINATION) -> Timeline:
    return timeline.build("a story", [source, destination])


def lane(side: Side, title: str) -> Lane:
    return next(lane for lane in states.lanes(side) if lane.title == title)


def shown(found: Lane) -> list[tuple[str, float, float]]:
    return [(span.state, span.start, span.end) for span in found.spans]


def test_the_guest_is_in_the_first_state_since_the_process_was_heard_of() -> None:
    assert shown(lane(DESTINATION, "guest")) == [
        ("inmigrate", 1, 10.9),
        ("paused", 10.9, 11.5),
        ("running", 11.5, 12),
    ]


def test_a_job_has_a_lane_until_it_is_gone() -> None:
    assert shown(lane(SOURCE, "job m0")) == [
        ("running", 2, 3),
        ("ready", 3, 10.2),
        ("concluded", 10.2, 10.2),
    ]


def test_nodes_are_inactive_when_what_comes_after_has_begun() -> None:
    assert shown(lane(SOURCE, "all nodes")) == [
        ("activating", -1, 0),
        ("active", 0, 10.3),
        ("inactivating", 10.3, 10.4),
        ("inactive", 10.4, 12),
    ]


def test_a_guest_that_runs_shows_that_its_nodes_are_active() -> None:
    traced = (run_state("prelaunch", "running", 1), activation("active", 2))
    found = lane(Side("source", (), traced, 3), "all nodes")
    assert shown(found) == [("active", 2, 3)]


def test_a_build_that_traces_nodes_has_a_lane_for_each() -> None:
    traced = (
        Traced("bdrv_inactivate", "node disk0", 5),
        Traced("bdrv_inactivate", "node #block12", 6),
        Traced("bdrv_activate", "node disk0", 7),
    )
    found = states.lanes(Side("source", (), traced, 9))
    nodes = {lane.title: shown(lane) for lane in found if lane.kind == "node"}
    assert nodes == {"node disk0": [("inactive", 5, 7), ("active", 7, 9)]}


def test_a_lane_without_evidence_says_so() -> None:
    bare = Side("source", (status("active", 1),), (), 2)
    missing = {lane.title: lane.no_evidence for lane in states.lanes(bare)}
    assert missing["guest"] == "no runstate_set in the trace"
    assert missing["all nodes"] == "no migration_block_activation in the trace"
    assert missing["migration"] == ""


def test_downtime_is_from_stop_to_completed_and_stopping_comes_before() -> None:
    downtime = story().downtime
    assert downtime
    assert downtime.milliseconds == pytest.approx(800)
    assert (downtime.stopping, downtime.ended_by) == (10, "completed")


def test_downtime_is_of_the_attempt_that_succeeded() -> None:
    earlier = (Event("STOP", {}, 4), Event("RESUME", {}, 5))
    twice = Side(SOURCE.name, (*earlier, *SOURCE.events), SOURCE.trace, SOURCE.end)
    assert story(twice).downtime == story().downtime


def test_a_guest_that_goes_on_at_the_source_was_down_until_resume() -> None:
    events = (status("active", 1), Event("STOP", {}, 2), Event("RESUME", {}, 2.5))
    downtime = story(Side("source", events, (), 9), Side("d", (), (), 9)).downtime
    assert downtime
    assert (downtime.milliseconds, downtime.ended_by) == (500, "RESUME")


def test_the_five_steps() -> None:
    times = [phase.time for phase in story().phases]
    assert times == [10, 10.2, 10.3, 11.4, 11.5]


def test_a_step_that_nothing_tells_of_has_no_time() -> None:
    silent = Side("destination", (status("completed", 10.9),), (), 12)
    assert [phase.time for phase in story(destination=silent).phases][3:] == [
        None,
        None,
    ]


PARKING = (
    transition("0x1", "undefined", "created", 1),
    transition("0x2", "undefined", "created", 1.1),
    transition("0x2", "created", "created", 1.2),
    Traced("mirror_set_parked", "s 0x2 parked 1", 5),
    Traced("mirror_set_parked", "s 0x2 parked 0", 6),
)


def test_a_parked_job_is_found_by_its_address() -> None:
    events = (job("m0", "created", 1), job("m1", "created", 1.1))
    side = Side("source", (*events, job("m1", "standby", 5.1)), PARKING, 9)
    assert shown(lane(side, "job m0")) == [("created", 1, 9)]
    assert shown(lane(side, "job m1")) == [
        ("created", 1.1, 5),
        ("parked", 5, 6),
        ("standby", 6, 9),
    ]


def test_where_trace_and_events_disagree_no_job_is_taken_for_another() -> None:
    events = (job("m0", "created", 1), job("m1", "running", 1.1))
    side = Side("source", events, PARKING, 9)
    assert shown(lane(side, "job m1")) == [("running", 1.1, 9)]


def test_the_text_has_the_steps_and_every_change() -> None:
    lines = text.text(story()).splitlines()
    assert any("800.0 ms, from STOP to completed" in line for line in lines)
    assert any(line.endswith("+300.0 ms  inactivation") for line in lines)
    assert "      +200.0  source        job m0        concluded" in lines


def test_the_text_names_a_lane_without_evidence() -> None:
    drawn = text.text(story(destination=Side("d", (status("active", 1),), (), 9)))
    assert "no evidence: no runstate_set in the trace" in drawn


@pytest.mark.parametrize("destination", [DESTINATION, Side("d", (), (), 9)])
def test_the_pictures_are_whole(tmp_path: Path, destination: Side) -> None:
    told = story(destination=destination)
    written = picture.save(told, tmp_path / "timeline")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "timeline.png",
        "timeline.svg",
    ]
    assert all(path.stat().st_size > 10_000 for path in written)


def test_a_crash_is_marked() -> None:
    crashed = Side(SOURCE.name, SOURCE.events, SOURCE.trace, 12, "source: SIGABRT")
    told = story(crashed)
    assert "source: SIGABRT" in text.text(told)
    figure = picture.draw(told)
    assert "source: SIGABRT" in words(figure)
    assert [line.get_marker() for line in marks(figure)] == ["X"]


def test_what_is_drawn_is_named() -> None:
    figure = picture.draw(story())
    assert marks(figure) == []
    found = words(figure)
    for word in ("a story", "downtime", "job m0", "inmigrate", "800.0 ms, STOP"):
        assert any(text.startswith(word) for text in found), word
    for number in "12345":
        # In the magnified part and in the legend.
        assert found.count(number) == 2


def words(figure: Figure) -> list[str]:
    """All that is written in a picture, but for its axes."""
    texts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    return [text.get_text() for text in texts]


def marks(figure: Figure) -> list[Line2D]:
    lines = [line for axes in figure.axes for line in axes.lines]
    return [line for line in lines if line.get_marker() != "None"]


def test_a_run_is_drawn_beside_its_logs(tmp_path: Path) -> None:
    vms: list[Any] = []
    for side in (SOURCE, DESTINATION):
        vm: Any = FakeVM(side.name)
        vm.folder, vm.events, vm.ended_at = tmp_path, side.events, side.end
        vms.append(vm)
    state = "current_run_state 9 (running) new_state 3 (finish-migrate)"
    log = f"1970-01-01T00:00:10.000000Z runstate_set {state}\n"
    (tmp_path / "source.trace").write_text(log)
    rig: Any = SimpleNamespace(vms=vms, source=vms[0])
    ends = [
        VMEvidence("source", -6, False, False, ""),
        VMEvidence("d", 0, True, False, ""),
    ]
    written = draw_run.write("a run", rig, Evidence(vms=tuple(ends)))
    assert [path.name for path in written] == [
        f"timeline.{k}" for k in ("txt", "png", "svg")
    ]
    told = written[0].read_text()
    for part in ("a run", "800.0 ms, from STOP", "source: SIGABRT", "finish-migrate"):
        assert part in told


def test_the_log_is_read_by_time_and_a_torn_line_is_not() -> None:
    log = (
        "2026-01-01T00:00:01.500000Z job_completed job 0x1 ret 0\n"
        "2026-01-01T00:00:01.250000Z postcopy_start \n"
        "something else\n"
        "2026-01-01T00:0"
    )
    first, second = trace.parse(log)
    assert (first.name, first.text) == ("postcopy_start", "")
    assert (second.name, second.text) == ("job_completed", "job 0x1 ret 0")
    assert second.time - first.time == pytest.approx(0.25)
