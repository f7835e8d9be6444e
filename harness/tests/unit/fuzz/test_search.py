# SPDX-License-Identifier: GPL-2.0-or-later
"""What a search, a replay and the kept sequences find decides the exit code."""

from __future__ import annotations

import errno
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock

import pytest
from fake_vm import FakeVM

from switchover.commands import fuzz
from switchover.core.errors import VMLost
from switchover.core.progress import Progress
from switchover.fuzz import kept, step
from switchover.fuzz.ending import Ending
from switchover.fuzz.player import Player
from switchover.fuzz.search import Search
from switchover.judging.oracle import Verdict
from switchover.qemu import build
from switchover.qemu.build import Build
from switchover.vm.vm import VM

RESET = step.execute("source", "system_reset")
START = {"at": "source", "start": {"disks": 1, "iothreads": False}}
FINISH = {"finish": "quit"}
MOST = 20


def is_reset(player: Player) -> bool:
    return RESET in player.played


@pytest.fixture(autouse=True)
def pretend(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is played for real: a guest that is reset is what must not be."""

    async def play(player: Player, one: step.Step) -> None:
        player.played.append(one)
        if "start" in one:
            player.processes.take(one["at"], cast(VM, FakeVM(one["at"])))

    async def end(ending: Ending, one: step.Step) -> None:
        ending._player.played.append(one)

    async def verdict(player: Player) -> Verdict:
        wrong = ("the guest was reset",) if is_reset(player) else ()
        return Verdict(journey=("ready", "completed", "cancelled"), surprises=wrong)

    monkeypatch.setattr(Player, "play", play)
    monkeypatch.setattr(Player, "verdict", verdict)
    monkeypatch.setattr(Ending, "play", end)
    monkeypatch.setattr(build, "ensure", lambda name, _: Build(name, project))
    monkeypatch.setattr(kept, "FOLDER", project)
    monkeypatch.setattr(kept, "SEQUENCES", 1)


@pytest.fixture
def found(project: Path) -> Callable[..., Search]:
    def found(most: int = MOST) -> Search:
        counted: list[int] = []
        search = Search(Build("patched", project), 1, counted.append, most=most)
        search.run()
        assert counted[-1] == search.sequences
        return search

    return found


@pytest.fixture
def well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "is_reset", lambda _: False)


def test_a_failure_is_found_and_made_short(found: Callable[..., Search]) -> None:
    search = found()
    (kind,) = search.findings.values()
    steps = step.read(kind.path)
    assert RESET in steps and len(steps) == kind.steps < 25
    assert step.about(kind.path)["about"] == "the guest was reset"
    assert search.seen[kind.name] > 1
    assert search.errors == []


@pytest.mark.usefixtures("well")
def test_where_nothing_is_wrong_nothing_is_found(found: Callable[..., Search]) -> None:
    search = found()
    assert search.findings == {} and search.sequences >= MOST
    assert search.reached["ready"] == search.sequences


@pytest.mark.parametrize("error", [VMLost("x"), OSError(errno.ENOSPC, "full")])
def test_what_is_no_fault_of_qemu_ends_the_search(
    found: Callable[..., Search], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def lost(_player: Player, _one: object) -> None:
        raise error

    monkeypatch.setattr(Player, "play", lost)
    with pytest.raises(type(error)):
        found()


def test_a_full_disk_ends_the_search(
    found: Callable[..., Search], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Mock(side_effect=OSError(errno.ENOSPC, "x"))
    monkeypatch.setattr(step, "write", write)
    with pytest.raises(OSError):
        found()
    write.assert_called_once()


@pytest.mark.parametrize("steps, code", [([], 0), ([RESET], 1)])
def test_a_replay_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], steps: list[Any], code: int
) -> None:
    path = tmp_path / "one.jsonl"
    step.write(path, [START, *steps, FINISH], about="x")
    assert fuzz.main(["--replay", str(path)]) == code
    said = capsys.readouterr().out
    assert ("wrong: the guest was reset" in said) == bool(code)
    assert fuzz.main(["--replay", str(path), "--json"]) == code
    data = json.loads(capsys.readouterr().out)
    assert data["wrong"] == ["the guest was reset"] * code


def test_what_is_no_sequence_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.jsonl").write_text("{}\n")
    with pytest.raises(SystemExit) as ended:
        fuzz.main(["--replay", str(tmp_path / "one.jsonl")])
    assert ended.value.code == 2
    assert "usage: scripts/fuzz" in capsys.readouterr().err


def search_for_a_moment(*options: str) -> int:
    return fuzz.main(["--seed", "1", "--minutes", "0.01", *options])


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that stands still while nothing is played, however slow we are."""

    def elapsed(search: Search) -> float:
        return (search.sequences + search.seen.total()) * 0.06

    monkeypatch.setattr(Search, "_elapsed", elapsed)


@pytest.mark.usefixtures("slowly")
def test_a_search_that_finds_something_fails(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert search_for_a_moment("--json") == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert finding["wrong"] == ["the guest was reset"]


@pytest.mark.usefixtures("well", "slowly")
def test_a_search_that_finds_nothing_does_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert search_for_a_moment() == 0
    assert "0 findings" in capsys.readouterr().out


def test_an_error_of_the_search_is_no_success(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Search, "run", lambda search: search.errors.append("odd"))
    assert search_for_a_moment() == 1
    assert "odd" in capsys.readouterr().err


def test_the_seed_is_the_one_that_is_given_or_any(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(secrets, "randbelow", lambda end: end - 1)
    monkeypatch.setattr(Search, "run", lambda _: None)
    for words, number in (["--seed", "5"], 5), ([], fuzz.LARGEST_SEED - 1):
        assert fuzz.main([*words, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["seed"] == number


def test_what_was_found_is_told_also_when_it_ends_with_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lost(search: Search) -> None:
        search.errors.append("found before")
        raise VMLost("x")

    monkeypatch.setattr(Search, "run", lost)
    with pytest.raises(VMLost):
        search_for_a_moment()
    assert "found before" in capsys.readouterr().err


def keep(folder: Path, *steps: Any, **about: object) -> None:
    lines = [{"about": "x", **about}, START, *steps, FINISH]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / f"{len(list(folder.glob('*.jsonl')))}.jsonl").write_text(text)


def kept_on(project: Path, name: str) -> tuple[int, int]:
    return kept.run([Build(name, project)], Progress())


def test_kept_sequences_on_the_base(project: Path) -> None:
    keep(project, RESET, base="was reset")
    # Nothing is wrong there, or something else, or nobody says what it does.
    keep(project, base="was reset")
    keep(project, RESET, base="blocks differ")
    keep(project, RESET, reached=[])
    assert kept_on(project, "base") == (1, 2)


@pytest.mark.usefixtures("well")
def test_kept_sequences_with_the_patches(project: Path) -> None:
    keep(project, reached=["ready"])
    keep(project, reached=["failed"])
    # A new one is played, too.
    assert kept_on(project, "patched") == (2, 1)


def test_kept_sequences_may_do_nothing_wrong_with_the_patches(project: Path) -> None:
    keep(project, RESET, reached=["ready"])
    assert kept_on(project, "patched")[1] >= 1


@pytest.mark.usefixtures("well")
def test_new_sequences_have_to_reach_something(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "REACHED", {"ready", "postcopy-paused"})
    assert kept_on(project, "patched") == (0, 1)


def test_one_that_is_lost_does_not_lose_the_others(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(project, reached=[], base="x")
    keep(project, RESET, reached=[], base="x")
    playing = kept.play

    def play(made: Build, steps: list[step.Step], name: str) -> Any:
        if name == "0":
            raise VMLost("x")
        return playing(made, steps, name)

    monkeypatch.setattr(kept, "play", play)
    with pytest.raises(VMLost):
        kept_on(project, "base")
    assert "1.jsonl" in capsys.readouterr().out
