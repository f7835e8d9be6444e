# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/build, without building anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from switchover.commands import build as command
from switchover.qemu import build
from switchover.qemu.build import Build


@pytest.fixture(autouse=True)
def builds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "ensure", lambda name, _: Build(name, Path("/b", name)))


@pytest.mark.parametrize(
    ("words", "names"),
    [([], ["base", "patched"]), (["tsan", "base"], ["tsan", "base"])],
)
def test_the_builds_that_are_named_are_made(
    words: list[str], names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([*words, "--json"]) == 0
    made = map(json.loads, capsys.readouterr().out.splitlines())
    assert [one["name"] for one in made] == names


def test_programs_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["base"]) == 0
    assert "/b/base/qemu-system-x86_64\n" in capsys.readouterr().out


def test_a_name_that_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        command.main(["neither"])
    assert caught.value.code == 2
    assert "there is no build 'neither' here; there are base" in capsys.readouterr().err
