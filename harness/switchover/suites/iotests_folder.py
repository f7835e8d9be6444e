# SPDX-License-Identifier: GPL-2.0-or-later
"""A folder like QEMU's tests/qemu-iotests, in which are also the project's tests.

It is made of links, so that no file is added to a source tree. Where both have a
test, the tree's is taken: it differs only when somebody is working on it there.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..core import files, paths
from ..qemu import instrumented

IN_TREE = Path("tests") / "qemu-iotests"


def make(build: str) -> Path:
    """The overlay of the build of this name, made anew."""
    folder = files.empty(paths.BUILD / "iotests" / build / "source")
    fill(folder, paths.tree_dir(instrumented.source(build)))
    return folder


def fill(folder: Path, source: Path) -> None:
    """Make the overlay of a source tree in a new folder."""
    tree = source / IN_TREE
    (folder / "tests").mkdir(parents=True)
    skipped = ("tests", "scratch", "__pycache__")
    _link(folder, (path for path in tree.iterdir() if path.name not in skipped))
    _link(folder / "tests", (tree / "tests").iterdir())
    for test in own():
        _link(folder / "tests", [test, *outputs(test)])


def own() -> list[Path]:
    """The project's own iotests: what has a reference output beside it."""
    files = sorted(paths.IOTESTS.iterdir()) if paths.IOTESTS.is_dir() else []
    return [path for path in files if path.suffix == "" and outputs(path)]


def find(folder: Path, test: str) -> Path | None:
    """The script of a test by the name that `check` takes; None if there is none.

    Numbers may be given without their leading zeros.
    """
    if "/" in test:
        return None
    name = f"{int(test):03}" if test.isdecimal() else f"tests/{test}"
    path = folder / name
    return path if path.is_file() and outputs(path) else None


def outputs(test: Path) -> list[Path]:
    """The reference outputs of a test: TEST.out, and those for a format or machine."""
    return sorted(test.parent.glob(f"{test.name}.*out*"))


def _link(folder: Path, targets: Iterable[Path]) -> None:
    for target in targets:
        link = folder / target.name
        if not link.is_symlink():
            link.symlink_to(target)
