# SPDX-License-Identifier: GPL-2.0-or-later
"""Build QEMU: base, patched, or one of those with instruments."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..core.progress import Progress
from ..qemu.build import ALL, NAMES, ensure


def main() -> None:
    """scripts/build."""
    parser = argparse.ArgumentParser(prog="build", description=__doc__)
    parser.add_argument(
        "name", nargs="?", choices=ALL, help="base and patched if not given"
    )
    parser.add_argument(
        "--source-cache",
        metavar="DIR",
        type=Path,
        help="folder with the files of Debian's source package, used as a last resort",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object per build"
    )
    options = parser.parse_args()
    progress = Progress()
    for name in [options.name] if options.name else NAMES:
        build = ensure(name, progress, options.source_cache)
        if options.json:
            print(json.dumps(build.as_data()))
        else:
            print(*build.programs, sep="\n")
