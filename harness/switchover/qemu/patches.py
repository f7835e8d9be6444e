# SPDX-License-Identifier: GPL-2.0-or-later
"""The folder patches/: files for `git am`, in the order of patches/series."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from ..core import files, paths
from ..core.errors import PatchFailed


def ordered() -> list[Path]:
    """The patches in their order; raises PatchFailed when one is not there."""
    listing = paths.PATCHES / "series"
    if not listing.is_file():
        raise PatchFailed("patches/series is not there; git checkout patches/")
    listed = [paths.PATCHES / name for name in listing.read_text().split()]
    for patch in listed:
        if not patch.is_file():
            raise PatchFailed(
                f"patches/series names {patch.name}, which is not in patches/; "
                "take it out of patches/series or bring the file back"
            )
    return listed


def digest() -> str:
    """Changes with any patch, and with their order."""
    sums = hashlib.sha256()
    for patch in ordered():
        sums.update(f"{patch.name} {patch.stat().st_size}\n".encode())
        sums.update(patch.read_bytes())
    return sums.hexdigest()


def replace(made: list[Path]) -> None:
    """Make patches/ hold just these files, in this order."""
    paths.PATCHES.mkdir(exist_ok=True)
    mirror(made, paths.PATCHES, paths.PATCHES.glob("*.patch"))
    names = "".join(f"{patch.name}\n" for patch in made)
    files.write(paths.PATCHES / "series", names)


def mirror(wanted: list[Path], folder: Path, present: Iterable[Path]) -> None:
    """Copy files, with their modes, into a folder; remove others of `present`."""
    names = {file.name for file in wanted}
    stale = [path for path in present if path.name not in names]
    for file in wanted:
        with files.fresh(folder / file.name) as copy:
            shutil.copy(file, copy)
    for path in stale:
        path.unlink()
