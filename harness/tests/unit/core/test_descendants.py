# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from project import has_ended

from switchover.core import descendants
from switchover.core.descendants import Ended

# A daemon as QEMU's tools make them: a session of its own, an orphan at once.
DAEMON = "setsid sh -c 'echo $$ > daemon; exec sleep 1000' & "
STARTED = "while ! test -s daemon; do sleep 0.01; done; "


def run(folder: Path, script: str, deadline: float = 10) -> Ended:
    words: list[str | Path] = ["sh", "-c", script]
    return asyncio.run(descendants.run(words, folder, folder / "log", deadline))


def daemon(folder: Path) -> int:
    return int((folder / "daemon").read_text())


def test_its_exit_code_and_output(tmp_path: Path) -> None:
    ended = run(tmp_path, "echo one; echo two >&2; exit 3")
    assert (ended.code, ended.hang) == (3, "")
    assert ended.text == (tmp_path / "log").read_text() == "one\ntwo\n"


def test_its_folder_for_sockets_is_short_and_goes_away(tmp_path: Path) -> None:
    run(tmp_path, 'touch "$SOCK_DIR/socket"; echo "$SOCK_DIR"')
    folder = Path((tmp_path / "log").read_text().strip())
    assert len(str(folder)) < 40
    assert not folder.exists()


def test_past_its_deadline_nothing_of_it_is_left(tmp_path: Path) -> None:
    assert (
        run(tmp_path, f"{DAEMON} sleep 1000", deadline=0.5).hang == "no end after 0 s"
    )
    assert has_ended(daemon(tmp_path))


def test_nothing_is_left_after_it_has_ended(tmp_path: Path) -> None:
    assert run(tmp_path, DAEMON + STARTED).code == 0
    assert has_ended(daemon(tmp_path))


def test_what_changed_its_folder_is_found(tmp_path: Path) -> None:
    script = f'mkdir "$SOCK_DIR/t"; SOCK_DIR=$SOCK_DIR/t; {DAEMON + STARTED}'
    assert run(tmp_path, script).code == 0
    assert has_ended(daemon(tmp_path))


def test_nothing_is_left_when_it_is_interrupted(tmp_path: Path) -> None:
    async def interrupted() -> None:
        words: list[str | Path] = ["sh", "-c", f"{DAEMON} sleep 1000"]
        task = asyncio.create_task(
            descendants.run(words, tmp_path, tmp_path / "log", 60)
        )
        started.append(await asyncio.to_thread(daemon, tmp_path))
        task.cancel()
        await task

    started: list[int] = []
    # To read it is to wait for the daemon's number.
    os.mkfifo(tmp_path / "daemon")
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    assert has_ended(started[0])


def test_others_are_left_alone(tmp_path: Path) -> None:
    async def both() -> list[int]:
        folders = [tmp_path / "one", tmp_path / "two"]
        for folder in folders:
            folder.mkdir()
        scripts = ["exit 0", "sleep 0.5; exit 7"]
        ended = await asyncio.gather(
            *(
                descendants.run(["sh", "-c", script], folder, folder / "log", 10)
                for folder, script in zip(folders, scripts, strict=True)
            )
        )
        return [one.code for one in ended]

    assert asyncio.run(both()) == [0, 7]
