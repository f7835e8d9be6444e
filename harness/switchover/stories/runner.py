# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs scenarios on builds, each in its own folder, and has them judged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from ..core import errors, files, paths
from ..guest.kernel import Guest
from ..judging import evidence, journey, oracle
from ..qemu.build import Build
from ..vm.accel import Accel
from ..vm.vm import Died, Hang, Refused, backtraces
from .rig import GUEST_SECONDS, Lab, Rig, Scenario

# Two guests may have to boot, one after the other.
SCENARIO_SECONDS = 2 * GUEST_SECONDS
PARALLEL = 2
# Looks at a rig whose processes have ended.
Witness = Callable[[str, Rig, oracle.Evidence], object]


@dataclass(frozen=True)
class Result:
    """A scenario on one build: the verdict, and how it differs from the declared."""

    scenario: Scenario
    build: str
    verdict: oracle.Verdict
    differences: tuple[str, ...]
    folder: Path
    seconds: float = 0.0


@dataclass(frozen=True)
class Runner:
    """What every scenario is run with.

    A `witness` is given the title, the rig and the evidence of each run, in which
    the events `traced` are traced for it.
    """

    guest: Guest
    accel: Accel
    witness: Witness | None = None
    traced: tuple[str, ...] = ()

    async def run_all(
        self,
        scenarios: Iterable[Scenario],
        builds: Iterable[Build],
        done: Callable[[Result], None],
    ) -> list[Result]:
        """Run each scenario on each build, two at a time; done(result) after each.

        What keeps one from being judged ends the others, too, and is raised; what has
        finished by then is known by done() only.
        """
        slots = asyncio.Semaphore(PARALLEL)

        async def one(scenario: Scenario, build: Build) -> Result:
            async with slots:
                result = await self.run(scenario, build)
            done(result)
            return result

        pairs = [(scenario, build) for scenario in scenarios for build in builds]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(*pair)) for pair in pairs]
        except BaseExceptionGroup as group_error:
            raise errors.first(group_error) from group_error
        return [task.result() for task in tasks]

    async def run(self, scenario: Scenario, build: Build) -> Result:
        """Run and judge one; its folder keeps what the last run left.

        Raises VMLost when QEMU does not start: that is no verdict.
        """
        folder = files.empty(paths.LOGS / scenario.name / build.name)
        start = time.monotonic()
        verdict = await self.judge(scenario, build, folder)
        differences = tuple(verdict.matches(scenario.expected[build.source]))
        _keep(folder, verdict, differences)
        seconds = time.monotonic() - start
        return Result(scenario, build.name, verdict, differences, folder, seconds)

    async def judge(
        self, scenario: Scenario, build: Build, folder: Path
    ) -> oracle.Verdict:
        """Run one in an empty folder; the verdict. Raises VMLost as run() does."""
        lab = Lab(build, self.guest, self.accel, folder, self.traced)
        rig = Rig(lab, scenario.disks, scenario.with_guest)
        rig.agreed, rig.transport = scenario.agreed, scenario.transport
        try:
            await _observe(scenario, rig)
        finally:
            await rig.kill()
        seen = collect(rig, scenario.with_guest)
        verdict = oracle.judge(seen)
        if self.witness:
            title = f"{scenario.name} on {build.name}"
            await asyncio.to_thread(self.witness, title, rig, seen)
        return verdict


async def _observe(scenario: Scenario, rig: Rig) -> None:
    """Tell the story to its end, and note which: a hang has backtraces of all."""
    try:
        async with asyncio.timeout(SCENARIO_SECONDS) as limit:
            try:
                await scenario.run(rig)
            except Refused as error:
                rig.notes.errors.append(str(error))
            except Died as error:
                rig.notes.surprises.append(str(error))
            await rig.quit()
    except (Hang, TimeoutError) as error:
        if isinstance(error, TimeoutError) and not limit.expired():
            raise
        see = await backtraces(rig.vms)
        late = f"the scenario did not end within {SCENARIO_SECONDS:.0f} s; see {see}"
        rig.notes.hang = late if limit.expired() else str(error)


def collect(rig: Rig, with_guest: bool) -> oracle.Evidence:
    """All that was observed, when all processes of a rig have ended.

    What has not completed goes on at the source.
    """
    acknowledged = evidence.said(rig.vms).acknowledged
    completed = journey.outgoing(rig.source)[-1:] == ["completed"]
    owner = rig.owner or (None if completed else rig.source)
    disks = [
        oracle.DiskEvidence(
            name=f"disk{i}",
            difference=rig.images.differences.get(i),
            acknowledged=acknowledged.get(i, {}),
            found=evidence.found(rig.image(owner, i) if owner else None, i),
            written=with_guest,
        )
        for i in rig.disks
    ]
    disks += rig.shared.disks()
    destination = None if owner in (None, rig.source) else rig.destination
    return evidence.collect(rig.vms, disks, rig.notes, [rig.source], destination)


def _keep(folder: Path, verdict: oracle.Verdict, differences: tuple[str, ...]) -> None:
    """Write the verdict; images of a run that went as declared are of no use."""
    report = {"verdict": asdict(verdict), "differences": differences}
    files.write_json(folder / "verdict.json", report)
    if not differences:
        for image in folder.glob("*.raw"):
            image.unlink()
