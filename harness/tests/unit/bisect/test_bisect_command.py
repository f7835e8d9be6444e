# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/bisect: what is a usage error, and what it exits with."""

from __future__ import annotations

import fake_bisect
import pytest
from fake_bisect import bisect, history

from switchover.commands import bisect as command
from switchover.core import paths
from switchover.core.errors import (
    DiskFull,
    WrongRange,
)
from switchover.qemu import configure

pytestmark = pytest.mark.usefixtures("project")


def test_a_full_disk_is_told_before_the_first_build(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(configure, "NEEDED_BYTES", 1 << 60)
    with pytest.raises(DiskFull):
        bisect(history("good", "bad"), 1)
    with pytest.raises(DiskFull):
        command.main(["--repo", str(paths.ROOT / "clone"), "--at", "HEAD"])
    assert not fake_bisect.noted("built")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--good", "a"],
        ["--at", "a", "--good", "b"],
        ["--good", "a", "--bad", "b", "--repeat", "0"],
        ["--good", "a", "--bad", "b", "--scenario", "ready-mirror", "lost-target"],
        ["--at", "a", "--scenario", "unheard-of"],
    ],
)
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    assert "usage: scripts/bisect" in capsys.readouterr().err


def test_a_suite_that_is_not_known_is_told() -> None:
    with pytest.raises(WrongRange, match="bullseye, bookworm, trixie, sid"):
        command.main(["--at", "debian/woody"])
