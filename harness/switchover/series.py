# SPDX-License-Identifier: GPL-2.0-or-later
"""The patch series: commits in the patched tree, files in patches/."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from . import declaration, patches, paths, tree
from .errors import WrongTree
from .git import edited, git
from .lock import exclusive
from .progress import Progress

SHOWN = "build/tree/patched"
TESTS = "tests/qemu-iotests/tests"
# A small edit of the series has to be a small diff of its files: nothing in
# them counts, dates or abbreviates.
FORMAT = [
    "format-patch",
    "--quiet",
    "--zero-commit",
    "--no-numbered",
    "--no-signature",
    "--no-stat",
    "--full-index",
]


def apply(progress: Progress) -> None:
    """Bring the patched tree to patches/; WrongTree when it has local work."""
    if tree.ensure("patched", progress).has_local_work:
        raise WrongTree(
            f"{SHOWN} has local work; keep it with scripts/series export, "
            f"or drop it with: rm -r {SHOWN}"
        )


def export() -> list[str]:
    """Write the patched tree's commits to patches/, and return their files.

    The iotests that they add go to iotests/, where they can be read. Raises
    WrongTree when something is not committed, or not on top of the base.
    """
    with exclusive("tree", "preparing the source trees"):
        source = _exportable()
        span = f"{tree.BASE}..HEAD"
        with TemporaryDirectory(dir=paths.BUILD) as temporary:
            git(source, *FORMAT, "--output-directory", temporary, span)
            made = sorted(Path(temporary).iterdir())
            patches.replace(made)
        added = git(source, "diff", "--name-only", "--diff-filter=A", span, "--", TESTS)
        _export_tests([source / name for name in added.splitlines()])
        tree.remember_patched()
    return [patch.name for patch in made]


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


def _export_tests(tests: list[Path]) -> None:
    if tests or paths.IOTESTS.is_dir():
        paths.IOTESTS.mkdir(exist_ok=True)
        # The declaration is ours, and no part of the series.
        present = [p for p in paths.IOTESTS.iterdir() if p.name != declaration.FILE]
        patches.mirror(tests, paths.IOTESTS, present)


def main() -> None:
    """scripts/series."""
    parser = argparse.ArgumentParser(prog="series", description=__doc__)
    parser.add_argument(
        "verb",
        choices=["apply", "export"],
        help="bring build/tree/patched to patches/, or patches/ to its commits",
    )
    verb = parser.parse_args().verb
    if verb == "apply":
        apply(Progress())
    else:
        print(*export(), sep="\n")
