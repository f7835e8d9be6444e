# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's linters of iotests over iotests/, as QEMU's own test 297 runs them.

That is pylint and mypy as the tree is set up for them, over its tests and ours at
once; of its own they have nothing to complain.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from ..core import paths
from ..core.progress import Progress
from ..qemu import tree
from ..suites import iotests_folder
from . import linter

# QEMU's linters.py chooses the files.
LINT = """\
import linters, subprocess, sys
command = [sys.executable, "-m", *sys.argv[1:], *sorted(linters.get_test_files())]
sys.exit(subprocess.run(command).returncode)
"""
LINTERS = {
    "pylint": [],
    # QEMU's testrunner.py is not written for the first, which is new in mypy 2.
    "mypy": ["--no-local-partial-types", "--no-incremental"],
}


def run(progress: Progress) -> list[str]:
    """What they complain of; raises what tree.ensure() does."""
    source = tree.ensure("base", progress).directory
    with TemporaryDirectory(dir=paths.BUILD) as temporary:
        folder = Path(temporary) / "iotests"
        iotests_folder.fill(folder, source)
        modules = os.pathsep.join([str(folder), str(source / "python")])
        return [
            line
            for name, options in LINTERS.items()
            for line in linter.complaints(
                [sys.executable, "-c", LINT, name, *options],
                cwd=folder,
                PYTHONPATH=modules,
                MYPYPATH=modules,
                PYLINTHOME=temporary,
                PYTHONDONTWRITEBYTECODE="1",
            )
        ]
