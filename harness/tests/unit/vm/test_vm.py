# SPDX-License-Identifier: GPL-2.0-or-later
"""A VM against a program that speaks just enough QMP."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from switchover.core.errors import VMLost
from switchover.vm import vm as vm_module
from switchover.vm.vm import VM, Died, Hang, Refused

FAKE = [sys.executable, str(Path(__file__).parents[1] / "fake_qemu.py")]
LONG = 60.0
SHORT = 0.2


def tell(folder: Path, story: Callable[[VM], Awaitable[None]]) -> VM:
    """Run a story on a fresh VM, which is over afterwards, and return that."""

    async def run() -> VM:
        vm = VM("fake", FAKE, folder)
        try:
            await vm.start()
            await story(vm)
        finally:
            await vm.kill()
        return vm

    return asyncio.run(run())


def test_it_has_the_environment_of_its_build(tmp_path: Path) -> None:
    """Also ours: a program is found by the PATH."""
    say = ["sh", "-c", "echo $ASAN_OPTIONS >&2; exec ls -d . >&2"]

    async def start() -> None:
        await VM("fake", say, tmp_path, {"ASAN_OPTIONS": "a=1"}).start()

    with pytest.raises(VMLost, match=r"a=1\n\."):
        asyncio.run(start())


def test_quit_ends_it_cleanly(tmp_path: Path) -> None:
    vm = tell(tmp_path, VM.quit)
    assert (vm.exit_code, vm.told_to_quit, vm.killed) == (0, True, False)
    assert '"execute": "quit"' in (tmp_path / "fake.qmp").read_text()


def test_a_refusal_names_command_and_reason(tmp_path: Path) -> None:
    async def story(vm: VM) -> None:
        with pytest.raises(Refused, match="^unheard-of: never heard of it$"):
            await vm.qmp("unheard-of")
        await vm.quit()

    # What was refused was not done.
    assert tell(tmp_path, story).monitor.commands == [
        "migrate-set-capabilities",
        "quit",
    ]


def test_death_ends_every_wait_at_once(tmp_path: Path) -> None:
    async def story(vm: VM) -> None:
        waits = [
            vm.wait_event("NEVER", LONG),
            vm.until("nothing", lambda: None, LONG),
            vm.until_told("nothing", never, LONG),
            vm.qmp("abort"),
        ]
        async with asyncio.timeout(LONG / 6):
            results = await asyncio.gather(*waits, return_exceptions=True)
        assert [type(result) for result in results] == [Died] * 4

    vm = tell(tmp_path, story)
    assert (vm.exit_code, vm.told_to_quit, vm.killed) == (-6, False, False)
    assert vm.stderr == "Assertion `false' failed.\n"


def test_what_it_said_last_is_heard(tmp_path: Path) -> None:
    async def story(vm: VM) -> None:
        with pytest.raises(Died):
            await vm.qmp("abort")
        assert await vm.wait_event("LAST", LONG)

    tell(tmp_path, story)


def test_events_are_kept_in_the_order_of_arrival(tmp_path: Path) -> None:
    async def story(vm: VM) -> None:
        await vm.qmp("two-events")
        assert [event.name for event in vm.events] == ["LATE", "EARLY"]
        assert [event.time for event in vm.events] == [100.000002, 100.000001]
        late = await vm.wait_event("LATE", LONG, id="m0")
        assert late is vm.events[0]
        assert vm.monitor.find("LATE", 1) is None
        assert vm.monitor.find("LATE", id="m1") is None
        await vm.quit()

    tell(tmp_path, story)


def test_the_console_is_read_as_it_comes(tmp_path: Path) -> None:
    async def story(vm: VM) -> None:
        await vm.qmp("talk")
        await vm.until("two", lambda: vm.console.acknowledged()[0] == 2 or None, LONG)
        assert vm.console.acknowledged()[1] == 0
        await vm.quit()

    tell(tmp_path, story)


def test_a_wait_waits(tmp_path: Path) -> None:
    asked: list[int] = []

    async def third_time() -> bool:
        asked.append(len(asked))
        return len(asked) == 3

    async def story(vm: VM) -> None:
        await vm.qmp("event-later")
        assert vm.monitor.find("LATER") is None
        event = await vm.until("LATER", lambda: vm.monitor.find("LATER"), LONG)
        assert event.data == {"id": "m0"}
        assert await vm.soon(lambda: vm.monitor.find("NEVER"), SHORT) is None
        await vm.qmp("event-later")
        assert await vm.soon(lambda: vm.monitor.find("LATER", 1), LONG)
        await vm.qmp("event-later")
        assert await vm.wait_event("LATER", LONG, 2, id="m0") is vm.events[2]
        with pytest.raises(Hang):
            await vm.wait_event("LATER", SHORT, id="m1")
        await vm.until_told("third time", third_time, LONG)
        assert asked == [0, 1, 2]
        with pytest.raises(Hang, match="no never within"):
            await vm.until_told("never", never, SHORT)
        await vm.quit()

    tell(tmp_path, story)


async def never() -> bool:
    return False


def test_a_full_disk_is_no_hang(tmp_path: Path) -> None:
    async def story(vm: VM) -> None:
        vm.monitor._transcript = Path("/dev/full")
        with pytest.raises(OSError, match="No space left on device"):
            await vm.qmp("two-events")

    tell(tmp_path, story)


def test_a_missed_deadline_is_a_hang_with_a_backtrace(tmp_path: Path) -> None:
    async def story(vm: VM) -> None:
        with pytest.raises(Hang, match="fake: no NEVER within 0 s; see"):
            await vm.wait_event("NEVER", SHORT)

    vm = tell(tmp_path, story)
    assert (vm.exit_code, vm.told_to_quit, vm.killed) == (-9, False, True)
    assert (tmp_path / "fake.backtrace").read_text()


def test_no_answer_is_a_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(vm: VM) -> None:
        monkeypatch.setattr(vm_module, "REPLY_SECONDS", SHORT)
        with pytest.raises(Hang, match="no answer to say-nothing"):
            await vm.qmp("say-nothing")

    tell(tmp_path, story)


def test_one_that_does_not_start_is_lost(tmp_path: Path) -> None:
    async def run() -> None:
        program = [sys.executable, "-c", "raise SystemExit('no such machine')"]
        with pytest.raises(VMLost, match="did not start: no such machine"):
            await VM("fake", program, tmp_path).start()

    asyncio.run(run())


def test_one_that_says_nothing_is_lost_with_a_backtrace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vm_module, "START_SECONDS", SHORT)

    async def run() -> VM:
        program = [sys.executable, "-c", "import time; time.sleep(60)"]
        vm = VM("fake", program, tmp_path)
        with pytest.raises(VMLost):
            await vm.start()
        return vm

    assert asyncio.run(run()).killed
    assert (tmp_path / "fake.backtrace").exists()


def test_nothing_is_left_over(tmp_path: Path) -> None:
    pids: list[int] = []

    async def story(vm: VM) -> None:
        assert vm._process
        pids.append(vm._process.pid)
        raise KeyError("a bug in a story")

    with pytest.raises(KeyError):
        tell(tmp_path, story)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)
