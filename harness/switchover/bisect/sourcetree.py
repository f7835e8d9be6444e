# SPDX-License-Identifier: GPL-2.0-or-later
"""The files of one revision, brought there from git or a Debian source package.

There is no .git beside them: QEMU would want to fetch its submodules, and would
put a commit's name into its programs.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from ..core import debian
from ..core.command import CommandFailed, run
from ..core.errors import SourceUnavailable
from ..core.git import git
from ..core.progress import Progress
from ..qemu import source as pinned
from ..qemu import tree
from . import folders, keycodes

# Where QEMUs of different ages look for it.
KEYCODES = (Path("subprojects/keycodemapdb"), keycodes.PLACE)
SUITES = ("bullseye", "bookworm", "trixie", "sid")
DEBIAN = "debian/"


def checkout(repository: Path, commit: str) -> None:
    """Make the files those of a commit; only what differs is written.

    Raises CommandFailed, if git can't, or OSError (ENOSPC).
    """
    target = folders.source()
    if not _index().exists():
        # Files that git does not know of would stay.
        shutil.rmtree(target, ignore_errors=True)
    target.mkdir(exist_ok=True)
    where = {"GIT_INDEX_FILE": str(_index()), "GIT_WORK_TREE": str(target)}
    git(repository, "read-tree", "--reset", "-u", commit, env=where)


def unpack(suite: str) -> str:
    """Make the files those of QEMU in a suite of Debian; the name of its version.

    Of sid it is the version that the series is based on. Raises
    SourceUnavailable.
    """
    target = folders.source()
    shutil.rmtree(target, ignore_errors=True)
    _index().unlink(missing_ok=True)
    if suite == pinned.SUITE:
        pinned.unpack(target)
        return pinned.VERSION
    folder = debian.download_source(pinned.PACKAGE, None, suite)
    (description,) = folder.glob("*.dsc")
    try:
        run("dpkg-source", "--no-check", "--no-copy", "--extract", description, target)
    except CommandFailed as error:
        raise SourceUnavailable(f"dpkg-source failed ({error})") from None
    return description.name


def add_wraps(progress: Progress) -> None:
    """Add what a release has and a commit lacks: submodules, meson's wraps.

    They are taken from the source that the series is based on.
    """
    target = folders.source()
    release = tree.ensure("base", progress).directory / "subprojects"
    for name in pinned.WRAPS:
        _add(release / name, target / "subprojects" / name)
    origin = release / "keycodemapdb"
    for place in KEYCODES:
        _add(origin, target / place)
    keycodes.fit(target, origin)


def _add(origin: Path, place: Path) -> None:
    is_wanted = place.parent.is_dir()
    is_there = place.is_dir() and any(place.iterdir())
    if is_wanted and not is_there:
        shutil.copytree(origin, place, symlinks=True, dirs_exist_ok=True)


def _index() -> Path:
    return folders.home() / "source.index"
