# SPDX-License-Identifier: GPL-2.0-or-later
"""What the avocado tests share: play a scenario on a build that is there."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from avocado import Test

from switchover.core import paths
from switchover.core.progress import Progress
from switchover.guest import kernel
from switchover.qemu.build import Build
from switchover.scenarios import BY_NAME
from switchover.stories.runner import SCENARIO_SECONDS, Result, Runner
from switchover.vm import accel


class Story(Test):
    """A scenario on the base and on the patched build.

    :avocado: disable
    """

    scenario: str
    # A scenario ends by its own deadline, with a verdict.
    timeout = 2 * SCENARIO_SECONDS

    def test_base(self) -> None:
        self.play("base")

    def test_patched(self) -> None:
        self.play("patched")

    def play(self, name: str) -> None:
        """Fail with what is not as declared and where the logs are."""
        build = Build(name, paths.build_dir(name))
        if not build.system.exists():
            self.error(f"{build.system} is missing; run scripts/build {name}")
        result = asyncio.run(self._run(build))
        if result.differences:
            # The folder first: avocado cuts a long reason short.
            self.fail(f"see {result.folder}: {'; '.join(result.differences)}")

    async def _run(self, build: Build) -> Result:
        image = kernel.ensure(progress())
        runner = Runner(image, await accel.choose(build, image))
        return await runner.run(BY_NAME[self.scenario], build)


def progress() -> Progress:
    # The stderr that avocado gives to a test can't say whether it is a terminal.
    with contextlib.redirect_stderr(sys.__stderr__):
        return Progress()
