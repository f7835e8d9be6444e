# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures: medians, ratios, what is missing, and who runs when."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from fake_vm import FakeVM
from rich.console import Console

from switchover.bench import ALL, host, plot, throughput
from switchover.bench.case import Case, Figures, Variant
from switchover.bench.downtime import offers
from switchover.bench.measured_rig import slow_flush
from switchover.bench.sample import Sample, ratio, reference
from switchover.bench.table import table
from switchover.core.command import CommandFailed
from switchover.stories.rig import Lab
from switchover.vm.accel import Accel

pytestmark = pytest.mark.usefixtures("project")


async def nothing(_lab: Lab) -> Figures:
    return {}


def case(**options: Any) -> Case:
    variants = (Variant("old", "base", nothing), Variant("new", "patched", nothing))
    return Case("a-case", "A case", "time", "ms", variants, **options)


def samples(found: Case, *runs: list[float]) -> list[Sample]:
    return [
        Sample(found, variant, [{"time": value} for value in values])
        for variant, values in zip(found.variants, runs, strict=True)
    ]


def test_ratios_are_to_the_best_median_of_the_references() -> None:
    pair = samples(case(reference=("old", "new")), [4, 6, 5], [2, 3, 1])
    assert reference(pair) == 2
    assert [ratio(sample, pair) for sample in pair] == [2.5, 1]


def test_where_more_is_better_the_best_is_the_highest() -> None:
    found = case(reference=("old", "new"), less_is_better=False)
    assert reference(samples(found, [4], [2])) == 4


def test_a_bound_is_the_reference_whatever_was_measured() -> None:
    assert reference(samples(case(bound=20), [40], [])) == 20


def test_the_spread_is_the_quartiles() -> None:
    (sample, empty) = samples(case(), [1, 2, 3, 4, 5], [])
    assert sample.spread() == (2, 4)
    assert (empty.spread(), empty.median(), ratio(empty, [sample])) == (None,) * 3


def shown(found: list[Sample]) -> str:
    console = Console(width=160)
    with console.capture() as capture:
        console.print(table(found))
    return capture.get()


def test_the_table_says_what_is_missing() -> None:
    old, new = samples(case(reference=("old",)), [10, 12], [])
    old.errors.append("hang")
    new.not_offered = "no such argument"
    text = shown([old, new])
    for part in ("11 ms", "10.5 - 11.5", "2 + 1 failed", "1.00", "no such argument"):
        assert part in text


def test_the_plots_are_whole(project: Path) -> None:
    pair = samples(case(reference=("old",)), [10, 12], [5])
    folder = project / "pictures"
    written = plot.save(pair, folder / "bench")
    assert sorted(folder.iterdir()) == written
    assert [path.name for path in written] == ["bench.png", "bench.svg"]
    (axes,) = plot.draw(pair).axes
    assert [text.get_text() for text in axes.texts] == ["11  x 1.00", "5  x 0.45"]


def test_an_argument_that_a_build_does_not_have_is_not_offered() -> None:
    schema = [
        {"name": "migration-complete", "arg-type": "7"},
        {"name": "7", "members": [{"name": "release"}]},
    ]
    vm: Any = FakeVM(query_qmp_schema=[schema] * 3)
    found = asyncio.run(offers(vm, "migration-complete", "release"))
    other = asyncio.run(offers(vm, "migration-complete", "other"))
    none = asyncio.run(offers(vm, "no-command", "release"))
    assert (found, other, none) == (True, False, False)


def test_every_case_has_a_name_of_its_own_and_a_reference() -> None:
    assert len({found.name for found in ALL}) == len(ALL)
    for found in ALL:
        names = {variant.name for variant in found.variants}
        assert found.bound or set(found.reference) <= names


def test_the_machine_is_described(tmp_path: Path) -> None:
    found = host.describe(Accel("tcg", "no KVM"), tmp_path)
    text = host.sentence({**found, "load_after": host.load()})
    assert "tcg (no KVM)" in text
    assert "unknown" not in text


def test_processor_time_is_counted() -> None:
    before = throughput.processor_seconds(os.getpid())
    sum(range(3_000_000))
    assert throughput.processor_seconds(os.getpid()) > before


def test_copies_are_timed_and_a_failed_one_has_no_figures() -> None:
    found = throughput._timed("sleep", "0.1")
    assert throughput.SIZE_MIB * 2 < found["throughput"] < throughput.SIZE_MIB * 10
    assert throughput._figures(2, 1)["processor"] == 1000 / throughput.SIZE_MIB
    with pytest.raises(CommandFailed):
        throughput._timed("false")


def test_the_slow_flush_compiles() -> None:
    assert slow_flush().is_file()
