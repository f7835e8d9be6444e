# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs one scenario on one build: a portable one, or one of the harness's own."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ..core import files
from ..core.errors import VMLost
from ..core.progress import Progress
from ..guest import kernel
from ..judging.oracle import Expected, Verdict
from ..qemu.build import Build
from ..scenarios import BY_NAME as NATIVE
from ..stories.results_table import summary
from ..stories.runner import Runner
from ..vm import accel
from ..vm.vm import Died, Hang, Refused, backtraces
from . import folders, portable_scenarios
from .dialect import Unsuitable
from .outcome import BAD, GOOD, SKIP, Outcome
from .portable_rig import PortableRig

NAMES = (*portable_scenarios.BY_NAME, *NATIVE)
# All waits of a scenario are shorter; this ends what has none.
SECONDS = 240.0


def is_native(scenario: str) -> bool:
    """Whether it is one of the harness's own, for a QEMU like that of the series."""
    return scenario in NATIVE


def run(scenario: str, build: Build, progress: Progress) -> Outcome:
    """Run a scenario once; what can't be judged is a skip.

    Its logs stay until the next run, below build/bisect/logs/. Raises
    SourceUnavailable and GuestFailed if there is no guest for it.
    """
    folder = files.empty(folders.logs() / scenario)
    try:
        if is_native(scenario):
            image = kernel.ensure(progress)
            return asyncio.run(_native(scenario, build, image, folder))
        return asyncio.run(_portable(scenario, build, folder))
    except VMLost as error:
        return Outcome(SKIP, f"does not boot ({error})")


async def _portable(scenario: str, build: Build, folder: Path) -> Outcome:
    rig = PortableRig(build, folder)
    try:
        async with asyncio.timeout(SECONDS):
            try:
                await portable_scenarios.BY_NAME[scenario].run(rig)
            except Refused as error:
                rig.errors.append(str(error))
            except Died:
                pass
            await rig.quit()
    except Unsuitable as error:
        return Outcome(SKIP, str(error))
    except Hang as error:
        return Outcome(SKIP, f"hang: {error}")
    except TimeoutError:
        see = await backtraces(rig.vms)
        return Outcome(SKIP, f"no end within {SECONDS:.0f} s; see {see}")
    finally:
        await rig.close()
    return rig.outcome()


async def _native(
    scenario: str, build: Build, image: kernel.Guest, folder: Path
) -> Outcome:
    runner = Runner(image, await accel.choose(build, image))
    verdict = await runner.judge(NATIVE[scenario], build, folder)
    return native_outcome(verdict, NATIVE[scenario].expected["patched"])


def native_outcome(verdict: Verdict, expected: Expected) -> Outcome:
    """Good is what is declared for the patched build, all else is bad.

    A hang says as little as in a portable scenario, unless something crashed.
    """
    if verdict.hang and not verdict.crashes:
        return Outcome(SKIP, f"hang: {verdict.hang}")
    differences = verdict.matches(expected)
    parts = summary(verdict).splitlines()
    if not verdict.wrong():
        parts += differences
    return Outcome(BAD if differences else GOOD, "; ".join(parts))
