# SPDX-License-Identifier: GPL-2.0-or-later
"""patches/ and iotests/: written from the patched tree, and compared with a series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ..core import paths
from ..core.errors import WrongTree
from ..core.git import edited, git, head
from ..core.lock import exclusive
from ..qemu import patches, tree
from ..suites import iotest_result, iotests_folder
from . import commits
from .commits import Series
from .finding import Finding

SHOWN = "build/tree/patched"
TESTS = str(iotests_folder.IN_TREE / "tests")


def export() -> list[str]:
    """Write the patched tree's commits to patches/, and return their files.

    The iotests that they add go to iotests/, where they can be read. Raises
    WrongTree when something is not committed, or not on top of the base.
    """
    with exclusive("tree", "preparing the source trees"):
        source = _exportable()
        series = commits.between(tree.BASE, head(source))
        with series.formatted() as made:
            patches.replace(made)
        tests = [source / name for name in series.added(TESTS)]
        if tests or paths.IOTESTS.is_dir():
            paths.IOTESTS.mkdir(exist_ok=True)
            patches.mirror(tests, paths.IOTESTS, _iotests())
        tree.remember_patched()
    return [patch.name for patch in made]


def differences(series: Series) -> Iterator[Finding]:
    """Whether patches/ and iotests/ are what an export of the series would write."""
    with series.formatted() as files:
        made = {path.name: path.read_bytes() for path in files}
    present = {path.name: path.read_bytes() for path in patches.ordered()}
    names = _different(made, present)
    yield Finding("export", names and f"scripts/series export would change {names}")
    added = {Path(name).name: blob for name, blob in series.added(TESTS).items()}
    names = _different(added, {path.name: _blob(path) for path in _iotests()})
    yield Finding("iotests", names and f"iotests/ is not as in patches/: {names}")


def _exportable() -> Path:
    source = paths.tree_dir("patched")
    if not source.is_dir():
        raise WrongTree("there is no patched tree yet; run: scripts/series apply")
    if changes := edited(source):
        raise WrongTree(
            f"{SHOWN} has changes that are not committed ({changes}); "
            "commit them there, then export again"
        )
    if git(source, "rev-list", f"HEAD..{tree.BASE}"):
        raise WrongTree(
            f"{SHOWN} is not on top of its base; rebase it there: git rebase base"
        )
    return source


def _iotests() -> list[Path]:
    """What is in iotests/; the declaration is ours, and no part of the series."""
    files = paths.IOTESTS.iterdir() if paths.IOTESTS.is_dir() else []
    return [p for p in files if p.is_file() and p.name != iotest_result.FILE]


def _different(one: Mapping[str, object], other: Mapping[str, object]) -> str:
    names = sorted({*one, *other})
    return ", ".join(name for name in names if one.get(name) != other.get(name))


def _blob(path: Path) -> str:
    mode = "100755" if path.stat().st_mode & 0o100 else "100644"
    return f"{mode} {git(paths.tree_dir('base'), 'hash-object', path)}"
