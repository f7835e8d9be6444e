#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every scenario on both builds: variants of one avocado test.

As a program this prints all of them for avocado, with the tags scenario, build and
subject, which is the name of the scenario's module.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from switchover.core import bootstrap, paths
from switchover.core.progress import Progress

if __name__ == "__main__":
    if "AVOCADO_VERSION" in os.environ:
        sys.exit("avocado has to be given --resolver-run-executables")
    bootstrap.enter()

from avocado import Test

from switchover.guest import kernel
from switchover.qemu.build import NAMES, Build
from switchover.scenarios import BY_NAME, SUBJECT
from switchover.stories.runner import SCENARIO_SECONDS, Result, Runner
from switchover.vm import accel


class Scenario(Test):
    """A scenario on a build that is there; the variant says which.

    :avocado: disable
    """

    # A scenario ends by its own deadline, with a verdict.
    timeout = 2 * SCENARIO_SECONDS

    def test(self) -> None:
        """Fail with what is not as declared and where the logs are."""
        name = self.params.get("build")
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
        return await runner.run(BY_NAME[self.params.get("scenario")], build)


def progress() -> Progress:
    # The stderr that avocado gives to a test can't say whether it is a terminal.
    with contextlib.redirect_stderr(sys.__stderr__):
        return Progress()


def variants() -> list[dict[str, Any]]:
    """All variants of the test, each as avocado's "runnable recipe"."""
    return [_variant(name, build) for name in BY_NAME for build in NAMES]


def _variant(name: str, build: str) -> dict[str, Any]:
    tags = {"scenario": name, "build": build, "subject": SUBJECT[name]}
    parameters = [["/", key, value] for key, value in tags.items()]
    return {
        "kind": "avocado-instrumented",
        "uri": f"{Path(__file__).resolve()}:Scenario.test",
        "identifier": name,
        "kwargs": {
            "tags": {key: [value] for key, value in tags.items()},
            "variant": {
                "variant_id": build,
                "paths": ["/"],
                "variant": [["/", parameters]],
            },
        },
    }


if __name__ == "__main__":
    print(json.dumps(variants()))
