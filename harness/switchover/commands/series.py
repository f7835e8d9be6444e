# SPDX-License-Identifier: GPL-2.0-or-later
"""The patch series: commits in the patched tree, files in patches/, mails."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from ..core import paths
from ..core.errors import WrongTree
from ..core.git import edited, git
from ..core.lock import exclusive
from ..core.progress import Progress
from ..qemu import patches, tree
from ..series import check, commits, prepare, rebase
from ..suites import base_failures

SHOWN = "build/tree/patched"
TESTS = "tests/qemu-iotests/tests"


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
            made = commits.format_patches(source, span, Path(temporary))
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
        present = [p for p in paths.IOTESTS.iterdir() if p.name != base_failures.FILE]
        patches.mirror(tests, paths.IOTESTS, present)


def main() -> int:
    """scripts/series."""
    options = _parser().parse_args()
    match options.verb:
        case "apply":
            apply(Progress())
        case "export":
            print(*export(), sep="\n")
        case "check":
            return check.main(options.fast, options.rebased, options.json)
        case "rebase":
            rebase.main(options.onto, options.repo, options.go_on)
        case "prepare":
            prepare.main(options.folder, options.signoff)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/series", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("apply", help=f"bring {SHOWN} to patches/")
    verbs.add_parser("export", help=f"write the commits of {SHOWN} to patches/")
    check = verbs.add_parser(
        "check", help="build, test and look over each patch by itself"
    )
    check.add_argument(
        "--fast", action="store_true", help="only what takes less than a minute"
    )
    check.add_argument(
        "--rebased", action="store_true", help=f"the series as it is in {rebase.SHOWN}"
    )
    check.add_argument("--json", action="store_true", help="print a list, as data")
    move = verbs.add_parser(
        "rebase", help=f"put the series on another QEMU, in {rebase.SHOWN}"
    )
    what = move.add_mutually_exclusive_group(required=True)
    what.add_argument("onto", nargs="?", metavar="ONTO", help="a tag, branch or commit")
    what.add_argument(
        "--continue", dest="go_on", action="store_true", help="a conflict is solved"
    )
    move.add_argument(
        "--repo",
        type=Path,
        default=paths.SUBMODULE,
        metavar="CLONE",
        help="the clone of QEMU that has ONTO; qemu/ if not given",
    )
    mails = verbs.add_parser(
        "prepare", help="write the mails, of what rebase made; sends nothing"
    )
    mails.add_argument("folder", type=Path, metavar="DIR", help="where to write them")
    mails.add_argument(
        "--signoff",
        action="store_true",
        help="add your Signed-off-by, after asking whether you may",
    )
    return parser
