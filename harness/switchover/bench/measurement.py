# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs cases on both builds, and keeps what they gave."""

from __future__ import annotations

import asyncio
import random
import shutil
import sys
from pathlib import Path
from typing import Any

from ..core import files, paths
from ..core.command import CommandFailed
from ..core.errors import DiskFull
from ..core.progress import Progress
from ..guest import kernel
from ..guest.disk import MIB
from ..guest.kernel import Guest
from ..qemu.build import Build
from ..stories.rig import Lab
from ..vm import accel
from ..vm.accel import Accel
from ..vm.vm import Died, Hang, Refused
from . import host, plot
from .case import Case, NotOffered
from .sample import Sample

RUN_SECONDS = 180.0
# With less than that, what went wrong is not QEMU's fault.
LEAST_FREE = 16 * MIB


class Measurement:
    """Runs cases one at a time, so that nothing of ours disturbs a measurement."""

    def __init__(
        self, builds: dict[str, Build], folder: Path, progress: Progress
    ) -> None:
        self.machine: dict[str, Any] = {}
        self.samples: list[Sample] = []
        self._builds = builds
        self._folder = folder
        self._progress = progress

    async def run(self, cases: list[Case], repetitions: int) -> None:
        """Each variant `repetitions` times, in turns: what drifts meets them all.

        Raises what is no sample: VMLost, GuestFailed, DiskFull, OSError. What has
        been measured until then is in `samples`.
        """
        image = kernel.ensure(self._progress)
        chosen = await accel.choose(self._builds["base"], image)
        self.machine = host.describe(chosen, self._folder)
        samples = [Sample(case, v) for case in cases for v in case.variants]
        self.samples = samples
        with self._progress.step("measuring", repetitions * len(samples)) as step:
            for repetition in range(repetitions):
                # A run may profit from the one before it, or pay for it.
                shuffled = random.Random(repetition).sample(samples, len(samples))
                for number, sample in enumerate(shuffled):
                    await self._one(sample, image, chosen)
                    step.update(repetition * len(samples) + number + 1)

    async def _one(self, sample: Sample, image: Guest, chosen: Accel) -> None:
        if sample.not_offered:
            return
        folder = files.empty(self._folder / "run")
        lab = Lab(self._builds[sample.variant.build], image, chosen, folder)
        try:
            async with asyncio.timeout(RUN_SECONDS):
                sample.runs.append(await sample.variant.measure(lab))
        except NotOffered as lack:
            sample.not_offered = str(lack)
        except TimeoutError:
            self._failed(sample, f"no end within {RUN_SECONDS:.0f} s")
        except (CommandFailed, Died, Hang, Refused, ConnectionError) as error:
            self._failed(sample, str(error))

    def _failed(self, sample: Sample, error: str) -> None:
        """Note it; raises DiskFull if there was no room for what QEMU had to write."""
        if shutil.disk_usage(self._folder).free < LEAST_FREE:
            raise DiskFull(f"{self._folder} is full; free some space and run it again")
        sample.errors.append(error)
        name = f"{sample.case.name}, {sample.variant.name}"
        print(f"{name}: {error}", file=sys.stderr)

    def as_data(self) -> dict[str, Any]:
        """What --json prints."""
        samples = [sample.as_data() for sample in self.samples]
        return {"machine": self.machine, "samples": samples}

    def keep(self) -> list[Path]:
        """Write bench.json, .png and .svg below build/bench/; their paths."""
        folder = paths.BUILD / "bench"
        data = folder / "bench.json"
        files.write_json(data, self.as_data())
        if not any(sample.runs for sample in self.samples):
            return [data]
        return [data, *plot.save(self.samples, folder / "bench")]
