# SPDX-License-Identifier: GPL-2.0-or-later
"""A small stand-in for QEMU's source, and what is done with it in tests."""

from __future__ import annotations

import os
import select
from pathlib import Path

from switchover.core import paths
from switchover.core.git import NOBODY, git

ME = {**NOBODY, "GIT_AUTHOR_NAME": "A Developer"}


def commit(tree: Path, name: str, text: str, subject: str) -> None:
    """Write a file in a git tree and commit it."""
    file = tree / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", f"--message={subject}", env=ME)


def repository(directory: Path) -> Path:
    """A new git repository with one commit of a file "block.c"."""
    directory.mkdir(parents=True)
    git(directory, "init", "--quiet")
    commit(directory, "block.c", "one\ntwo\nthree\n", "first")
    return directory


def patch(name: str, old: str, new: str) -> str:
    """A `git am`-able patch that replaces the middle line of block.c."""
    return (
        "From 0 Mon Sep 17 00:00:00 2001\n"
        "From: A Developer <a@example.org>\n"
        "Date: Thu, 1 Jan 2026 12:00:00 +0000\n"
        f"Subject: [PATCH] {name}\n\n---\n"
        "diff --git a/block.c b/block.c\n"
        "--- a/block.c\n+++ b/block.c\n"
        f"@@ -1,3 +1,3 @@\n one\n-{old}\n+{new}\n three\n"
    )


def write_series(**contents: str) -> None:
    """Make patches/ hold these patches, in this order."""
    for stale in paths.PATCHES.glob("*.patch"):
        stale.unlink()
    for name, text in contents.items():
        (paths.PATCHES / f"{name}.patch").write_text(text)
    listing = "".join(f"{name}.patch\n" for name in contents)
    (paths.PATCHES / "series").write_text(listing)


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or goes within five seconds."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(descriptor) as process:
        return bool(select.select([process], [], [], 5)[0])
