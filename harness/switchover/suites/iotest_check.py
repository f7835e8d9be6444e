# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's tests/qemu-iotests/check, which runs one iotest for one image format.

/dev/kvm is left alone: nearly all iotests run QEMU with -accel qtest, and the two
that would rather have KVM boot no guest.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from ..core import command, descendants, files, paths
from ..core.descendants import Ended
from ..qemu.build import Build
from . import iotests_folder

FORMATS = ("raw", "qcow2")
# The slowest takes less than two minutes on two busy cores, and five with
# ThreadSanitizer.
TEST_SECONDS = 600.0
# A case waits for an event for a minute at most, and sometimes for two of them.
CASE_SECONDS = 180.0
UNSUITED = "not suitable for this image format"
LOG = "check.log"
LISTER = paths.ROOT / "harness" / "iotests" / "list_cases.py"
VERDICT = re.compile(
    r"^\S+ +(pass|fail|not run) +\[[\d:]+\] \[[\d:]+\] +\S+ +"
    r"(?:\(last: [\d.]+s\))? *(.*)$",
    re.MULTILINE,
)
# Lines of a diff, but not those that name the files.
CHANGED = re.compile(r"^[-+](?![-+]{2} ).*", re.MULTILINE)
FAILED_CASE = re.compile(r"^\+((?:FAIL|ERROR): .*)", re.MULTILINE)
# Source code in a traceback; a reason is not to be found there.
INDENTED = re.compile(r"^ +.*\n?", re.MULTILINE)


@dataclass(frozen=True)
class QemuTestRun:
    """What became of a test: status is "pass", "fail", "not run" or "hang".

    `log` is where to look for more, and `text` what a reason is searched in.
    """

    status: str
    reason: str
    seconds: float
    log: Path
    text: str = ""

    @property
    def failed(self) -> bool:
        """Whether it was run, and wasn't passed."""
        return self.status in ("fail", "hang")

    @property
    def unsuited(self) -> bool:
        """Whether the test isn't meant for this image format."""
        return self.status == "not run" and UNSUITED in self.reason

    def __str__(self) -> str:
        return f"{self.status}: {self.reason}" if self.reason else self.status


@dataclass(frozen=True)
class Check:
    """QEMU's check for one build and image format, on the tests of an overlay.

    Each run has a folder of its own, which keeps what the last one left.
    """

    build: Build
    source: Path
    format: str

    async def test(
        self, name: str, suffix: str = "", deadline: float = TEST_SECONDS
    ) -> QemuTestRun:
        """Run a test as a whole and compare its output with the reference.

        `suffix` tells apart folders of runs that are to be kept.
        """
        ended = await self._run(name + suffix, deadline, name)
        status, reason = verdict(ended.text)
        if status != "fail" and not ended.hang:
            return QemuTestRun(status, reason, ended.seconds, ended.log)
        bad = next(ended.log.parent.glob("*/*.out.bad"), None)
        text = bad.read_text(errors="replace") if bad else ended.text
        return _failed(ended, reason, bad or ended.log, INDENTED.sub("", text))

    async def cases(self, name: str) -> list[str]:
        """The unittest cases of a test, each CLASS.METHOD; none if it has none."""
        test = self.source / "tests" / name
        if "iotests.main(" not in test.read_text():
            return []
        ended = await self._run(f"{name}.cases", CASE_SECONDS, "--", LISTER, test)
        return re.findall(r"^case: (\S+)$", ended.text, re.MULTILINE)

    async def case(self, name: str, case: str) -> QemuTestRun:
        """Run one unittest case; what QEMU writes to stderr is in its text."""
        words = ["-p", "--", str(self.source / "tests" / name), case]
        ended = await self._run(f"{name}.{case}", CASE_SECONDS, *words)
        log = ended.log
        not_run = log.parent / f"{name}.notrun"
        if not_run.exists() and not ended.hang:
            reason = not_run.read_text().strip()
            return QemuTestRun("not run", reason, ended.seconds, log)
        if ended.code == 0:
            return QemuTestRun("pass", "", ended.seconds, log)
        text = INDENTED.sub("", ended.text)
        return _failed(ended, failure(text), log, text)

    async def _run(self, name: str, deadline: float, *arguments: str | Path) -> Ended:
        """Run check with these arguments, in an empty folder by this name."""
        folder = fresh_folder(self.build, f"{name}-{self.format}")
        words = [
            sys.executable,
            paths.tree_dir(self.build.source) / iotests_folder.IN_TREE / "check",
            f"--source-dir={self.source}",
            f"--build-dir={self.build.directory / iotests_folder.IN_TREE}",
            f"-{self.format}",
            *arguments,
        ]
        env = {
            **self.build.environment,
            "TEST_DIR": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return await descendants.run(words, folder, folder / LOG, deadline, env)


def fresh_folder(build: Build, name: str) -> Path:
    """An empty folder for one run; what the last one of this name left is removed."""
    return files.empty(paths.BUILD / "iotests" / build.name / name)


def verdict(text: str) -> tuple[str, str]:
    """Status and reason of the one test whose run `check` reports here.

    The reason of a failure is its first unittest case that failed, or the first line
    that differs from the reference. When `check` itself failed, its last line is.
    """
    found = VERDICT.search(text)
    if not found:
        return "fail", command.reason(text)
    status, reason = found.groups()
    if status == "fail":
        diff = text[found.end() :]
        if case := FAILED_CASE.search(diff):
            reason = case[1]
        elif changed := CHANGED.search(diff):
            reason = f"{reason.split(' (see ')[0]}: {changed[0]}"
    return status, reason


def failure(text: str) -> str:
    """The exception that a unittest case ended with, or the last thing said."""
    _, _, after = text.partition("Traceback (most recent call last):\n")
    return after.splitlines()[0] if after else command.reason(text)


def _failed(ended: Ended, reason: str, log: Path, text: str) -> QemuTestRun:
    """What failed for this reason or, which is worse, did not come to its end."""
    if ended.hang:
        text = f"{text}\n{ended.hang}\n"
        return QemuTestRun("hang", ended.hang, ended.seconds, log, text)
    return QemuTestRun("fail", reason, ended.seconds, log, text)
