# SPDX-License-Identifier: GPL-2.0-or-later
"""What avocado is given to run is what there is to run."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NoReturn

import pytest
from avocado.core.nrunner.runnable import Runnable
from avocado.core.resolver import ReferenceResolution, ReferenceResolutionResult
from avocado.core.tags import filter_tags_on_runnables

from switchover import scenarios
from switchover.core import paths
from switchover.qemu.build import NAMES, Build

FOLDER = Path(__file__).parents[2] / "scenarios"


@pytest.fixture
def scenario(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("scenario")


@pytest.fixture
def variants(scenario: ModuleType) -> list[Runnable]:
    """Each as avocado makes it of what scenario.py prints."""
    printed = json.loads(json.dumps(scenario.variants()))
    return [Runnable.from_dict(one) for one in printed]


def chosen(variants: list[Runnable], *tags: str) -> set[tuple[str, str]]:
    """Scenario and build of what avocado's -t chooses."""
    found = ReferenceResolution("", ReferenceResolutionResult.SUCCESS, variants)
    return {
        (one.identifier, one.variant["variant_id"])
        for one in filter_tags_on_runnables([found], list(tags))
    }


def test_there_is_one_for_each_scenario_and_build(variants: list[Runnable]) -> None:
    names = [(one.identifier, one.variant["variant_id"]) for one in variants]
    assert names == [(one.name, build) for one in scenarios.ALL for build in NAMES]


def test_each_can_be_chosen_by_its_tags(variants: list[Runnable]) -> None:
    release = {one.name for one in scenarios.BY_SUBJECT["release"]}
    assert chosen(variants, "build:base,subject:release") == {
        (name, "base") for name in release
    }
    assert chosen(variants, "scenario:multifd") == {
        ("multifd", build) for build in NAMES
    }


class Played:
    """Stands for the avocado test of a variant; what it says of itself is kept."""

    def __init__(self, differences: tuple[str, ...]) -> None:
        self.params = {"scenario": "release", "build": "base"}
        self.result = SimpleNamespace(differences=differences, folder="/logs")
        self.said: list[str] = []
        self.fail = self.said.append

    async def _run(self, _build: Build) -> SimpleNamespace:
        return self.result

    def error(self, reason: str) -> NoReturn:
        raise LookupError(reason)


@pytest.mark.usefixtures("project")
def test_a_build_that_is_missing_is_an_error(scenario: ModuleType) -> None:
    with pytest.raises(LookupError, match="base/qemu-system-x86_64 is missing"):
        scenario.Scenario.test(Played(()))


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("differences", "said"), [((), []), (("a", "b"), ["see /logs: a; b"])]
)
def test_it_fails_with_what_is_not_as_declared(
    scenario: ModuleType, differences: Any, said: Any
) -> None:
    system = Build("base", paths.build_dir("base")).system
    system.parent.mkdir()
    system.touch()
    played = Played(differences)
    scenario.Scenario.test(played)
    assert played.said == said


def test_as_a_test_the_list_of_all_fails() -> None:
    program = [sys.executable, str(FOLDER / "scenario.py")]
    env = {**os.environ, "AVOCADO_VERSION": "113.0"}
    ended = subprocess.run(program, env=env, capture_output=True, check=False)
    assert ended.returncode and b"--resolver-run-executables" in ended.stderr
