# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's manual, made by Sphinx as QEMU's own build makes it: no warning is allowed.

It has the QAPI reference and all of docs/. Only what has changed is read again.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path, PurePath

from . import paths
from .command import CommandFailed, run
from .configure import environment

# meson's only other options are for a dependency file.
OPTIONS = ["-q", "-W", "-D", "kerneldoc_werror=1", "-j", "auto", "-b", "html"]
# What it is made from, besides the options' documentation in *.hx.
SOURCES = ("docs", "qapi", "qga", "storage-daemon")
SUFFIXES = (".rst", ".json", ".hx", ".inc", ".py")
SECONDS = 1200.0
SAID = re.compile(r"^(.*?\.(?:rst|json|hx|h|py)\S*:.*)$", re.MULTILINE)


def is_about(name: str) -> bool:
    """Whether a file of the tree is something that the manual is made from."""
    path = PurePath(name)
    is_source = path.parts[0] in SOURCES and path.suffix in SUFFIXES
    return is_source or path.suffix == ".hx"


def make(source: Path, log: Path) -> str:
    """Make it from the tree `source`; what is wrong with it, or "" if nothing is."""
    folder = paths.BUILD / "manual"
    doctrees = folder / "doctrees"
    command = [
        *(paths.VENV / "bin" / "sphinx-build", *OPTIONS, "-d", doctrees),
        *(source / "docs", folder / "html"),
    ]
    env = {**environment(), "CONFDIR": "/etc/qemu"}
    try:
        log.write_text(run(*command, env=env, deadline=SECONDS))
    except CommandFailed as error:
        # What was read before the warning would not be read, and warned of, again.
        shutil.rmtree(doctrees, ignore_errors=True)
        return str(error)
    return ""
