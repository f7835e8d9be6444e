# SPDX-License-Identifier: GPL-2.0-or-later
"""git in one of our trees, whatever the user's own git is set up to do."""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path

from .command import run

# Attributes of a commit that must not depend on who makes it, or when.
NOBODY = {
    "GIT_AUTHOR_NAME": "switchover",
    "GIT_AUTHOR_EMAIL": "switchover@localhost",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "switchover",
    "GIT_COMMITTER_EMAIL": "switchover@localhost",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
}
SETTINGS = {
    "core.hooksPath": os.devnull,
    "gc.auto": "0",
    "advice.detachedHead": "false",
}


def git(tree: Path, *arguments: str | Path, env: dict[str, str] | None = None) -> str:
    """Run git in `tree` and return its stdout, stripped.

    It never walks up to a repository around `tree`, reads no configuration of
    the user or the system, and status writes nothing. Raises CommandFailed.
    """
    settings = [["-c", f"{name}={value}"] for name, value in SETTINGS.items()]
    isolated = {
        "GIT_CEILING_DIRECTORIES": str(tree.parent),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_OPTIONAL_LOCKS": "0",
    }
    command = ["git", "-C", tree, *chain(*settings), *arguments]
    return run(*command, env={**isolated, **(env or {})}).rstrip()


def head(tree: Path) -> str:
    """The commit that is checked out."""
    return git(tree, "rev-parse", "HEAD")


def edited(tree: Path) -> str:
    """Which files differ from HEAD or are new, in words; "" when none do."""
    lines = git(tree, "status", "--porcelain").splitlines()
    names = [line[3:] for line in lines]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
