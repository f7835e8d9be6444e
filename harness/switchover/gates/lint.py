# SPDX-License-Identifier: GPL-2.0-or-later
"""What has to hold of the harness's own code, and of the iotests, without running them.

    python -m switchover.gates.lint     # in harness/, with the venv's Python

A gate that complains has failed; so has one that can't be run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ..core import paths
from ..core.command import CommandFailed, outcome
from ..core.errors import MissingTool
from ..core.progress import Progress
from ..qemu import tree
from ..suites import iotests_folder

SECONDS = 300.0
# QEMU's linters.py chooses the files.
IOTEST_LINT = """\
import linters, subprocess, sys
command = [sys.executable, "-m", *sys.argv[1:], *sorted(linters.get_test_files())]
sys.exit(subprocess.run(command).returncode)
"""
IOTEST_LINTERS = {
    "pylint": [],
    # QEMU's testrunner.py is not written for the first, which is new in mypy 2.
    "mypy": ["--no-local-partial-types", "--no-incremental"],
}


def main() -> int:
    """0 if no gate complains, else 1."""
    passed, failed = run(Progress())
    print(f"{passed} gates passed, {failed} failed")
    return int(failed > 0)


def run(progress: Progress) -> tuple[int, int]:
    """How many gates passed and failed; what they complain of is printed."""
    failed = 0
    for name, gate in GATES.items():
        with progress.step(name):
            said = gate(progress)
        for line in said:
            print(f"{name}: {line}")
        failed += bool(said)
    return len(GATES) - failed, failed


def program(*words: str, scripts: bool = False) -> Callable[[Progress], list[str]]:
    """The gate of a program that exits with 0 if it has nothing to complain of.

    It is the venv's, is run in harness/, and is given the scripts on request.
    """

    def gate(_progress: Progress) -> list[str]:
        command: list[str | Path] = [Path(sys.executable).with_name(words[0])]
        command += words[1:]
        if scripts:
            command += sorted((paths.ROOT / "scripts").iterdir())
        return complaints(command, paths.ROOT / "harness", {"PYTHONPATH": "."})

    return gate


def iotests(progress: Progress) -> list[str]:
    """The gate of QEMU's linters of iotests, run as its own test 297 runs them.

    That is pylint and mypy as the tree is set up for them, over its tests and ours
    at once; of its own they have nothing to complain. Raises what tree.ensure() does.
    """
    source = tree.ensure("base", progress).directory
    with TemporaryDirectory(dir=paths.BUILD) as temporary:
        folder = Path(temporary) / "iotests"
        iotests_folder.fill(folder, source)
        modules = os.pathsep.join([str(folder), str(source / "python")])
        env = {
            "PYTHONPATH": modules,
            "MYPYPATH": modules,
            "PYLINTHOME": temporary,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        said = []
        for name, options in IOTEST_LINTERS.items():
            command = [sys.executable, "-c", IOTEST_LINT, name, *options]
            said += complaints(command, folder, env)
        return said


def complaints(
    command: Sequence[str | Path], folder: Path, env: dict[str, str]
) -> list[str]:
    """What a program says, by lines, if it has failed, or why it can't be run."""
    try:
        code, said = outcome(*command, cwd=folder, deadline=SECONDS, env=env)
    except (CommandFailed, MissingTool, OSError) as error:
        return [str(error)]
    return [*said.splitlines(), f"exit code {code}"] if code else []


GATES = {
    "ruff check": program(
        "ruff", "check", "--output-format=concise", ".", scripts=True
    ),
    "ruff format": program("ruff", "format", "--check", ".", scripts=True),
    "mypy": program(
        "mypy", "--scripts-are-modules", "switchover", "tests", scripts=True
    ),
    "import-linter": program("lint-imports", "--no-logo"),
    "iotest linters": iotests,
}

if __name__ == "__main__":
    sys.exit(main())
