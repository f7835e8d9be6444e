# SPDX-License-Identifier: GPL-2.0-or-later
"""A project whose QEMU is a few files, and another clone of that QEMU."""

from __future__ import annotations

from pathlib import Path

from project import commit

from switchover.core.git import git

FILES = {
    "block.c": "one\ntwo\nthree\n",
    ".gitignore": "/build/\n",
    "scripts/checkpatch.pl": "exit 0;\n",
    "scripts/get_maintainer.pl": (
        'print "A <a\\@x>\\nB <qemu-devel\\@nongnu.org>\\n";'
    ),
    "docs/devel/code-provenance.rst": "What a Signed-off-by means\n",
}


def write(directory: Path) -> None:
    """Write the toy's files below a new folder."""
    for name, text in FILES.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def clone(directory: Path, middle: str = "two") -> Path:
    """Another history of the toy, in which this may be the middle line of block.c."""
    write(directory)
    git(directory, "init", "--quiet", "--initial-branch=main")
    commit(directory, "block.c", "nothing\n", "as it was")
    commit(directory, "block.c", f"one\n{middle}\nthree\n", "as it is")
    return directory
