# SPDX-License-Identifier: GPL-2.0-or-later
"""Build QEMU: base, patched, or one of those with instruments."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from ..core.progress import Progress
from ..qemu import build
from . import options


def main(arguments: Sequence[str] | None = None) -> int:
    """0; what can't be built is an error."""
    parser = argparse.ArgumentParser(prog="scripts/build", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        type=options.build_name(),
        metavar="NAME",
        help=f"any of {', '.join(build.ALL)} (default: base and patched)",
    )
    options.add_json(parser)
    given = parser.parse_args(arguments)
    progress = Progress()
    for name in given.names or build.NAMES:
        made = build.ensure(name, progress)
        if given.json:
            print(json.dumps(made.as_data()))
        else:
            print(*made.programs, sep="\n")
    return 0
