# SPDX-License-Identifier: GPL-2.0-or-later
"""The patch series: commits in the patched tree, files in patches/, mails."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..core import paths
from ..core.errors import WrongTree
from ..core.progress import Progress
from ..qemu import tree
from ..series import check, prepare, rebase
from ..series.export import SHOWN, export
from .options import add_json


def apply(progress: Progress) -> None:
    """Bring the patched tree to patches/; WrongTree when it has local work."""
    if tree.ensure("patched", progress).has_local_work:
        raise WrongTree(
            f"{SHOWN} has local work; keep it with scripts/series export, "
            f"or drop it with: rm -r {SHOWN}"
        )


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
    add_json(check)
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
