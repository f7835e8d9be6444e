# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's configure, run when what decides its outcome has changed."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..core import bootstrap, files, paths
from ..core.command import CommandFailed, run
from ..core.errors import BuildFailed, DiskFull
from . import instrumented

OPTIONS = [
    "--target-list=x86_64-softmmu",
    "--without-default-features",
    "--enable-kvm",
    "--enable-tcg",
    "--enable-tools",
    "--disable-docs",
    "--enable-werror",
    "--disable-download",
    "--disable-install-blobs",
    "--enable-gnutls",
    "--enable-zstd",
    "--enable-linux-aio",
    "--enable-linux-io-uring",
    "--enable-fuse",
    "--enable-vhost-user",
    "--enable-vhost-user-blk-server",
    "--cc=ccache gcc",
]
# Trees, build folders and caches of both, with room to spare.
NEEDED_BYTES = 4_000_000_000


def environment() -> dict[str, str]:
    """For configure and ninja: the venv's tools, and a cache both trees share."""
    return {
        "PATH": f"{paths.VENV / 'bin'}:{os.environ['PATH']}",
        "CCACHE_DIR": str(paths.BUILD / "ccache"),
        "CCACHE_BASEDIR": str(paths.BUILD),
        "CCACHE_NOHASHDIR": "1",
    }


def is_configured(tree: Path, directory: Path) -> bool:
    """Whether configure has finished here, with what decides its outcome now."""
    stamp = _stamp(directory)
    return stamp.is_file() and stamp.read_text() == _key(tree, directory)


def forget(directory: Path) -> None:
    """Have it configured anew the next time."""
    _stamp(directory).unlink(missing_ok=True)


def configure(tree: Path, directory: Path, log: Path) -> None:
    """Configure in a folder that is made anew; the stamp is written last.

    meson's folders can't be moved, so there is no temporary one. Raises
    BuildFailed, with the path of the log, and DiskFull.
    """
    check_space()
    _make_folder(tree, directory)
    python = f"--python={paths.VENV / 'bin' / 'python'}"
    words = [*_options(tree, directory), python]
    try:
        said = run(tree / "configure", *words, cwd=directory, env=environment())
        log.write_text(said)
    except CommandFailed as error:
        raise BuildFailed(
            f"configure failed in {directory} ({error}); see {directory}/config.log "
            "and meson-logs/meson-log.txt beside it"
        ) from None
    _stamp(directory).write_text(_key(tree, directory))


def _options(tree: Path, directory: Path) -> list[str]:
    return OPTIONS + instrumented.options(directory.name, tree)


def _make_folder(tree: Path, directory: Path) -> None:
    """Make the build folder anew, empty."""
    # Below the tree: then all trees are called ".." in all that is compiled, and
    # what is the same in another build is found in the compiler's cache.
    folder = files.empty(tree / instrumented.folder(directory.name))
    if directory.name in instrumented.NAMES:
        instrumented.ignore_folders(tree)
    if directory.is_dir() and not directory.is_symlink():
        shutil.rmtree(directory)
    directory.unlink(missing_ok=True)
    directory.symlink_to(folder.relative_to(directory.parent))


def _stamp(directory: Path) -> Path:
    return directory / "switchover.stamp"


def decisive(options: Sequence[str] = OPTIONS) -> str:
    """What decides a build's outcome besides the tree: options, compiler, tools."""
    return "\n".join([*options, run("gcc", "--version"), bootstrap.venv_key()])


def _key(tree: Path, directory: Path) -> str:
    key = f"{tree}\n{decisive(_options(tree, directory))}"
    return hashlib.sha256(key.encode()).hexdigest()


def check_space() -> None:
    """Raise DiskFull unless there is room for what builds need."""
    free = shutil.disk_usage(paths.BUILD).free
    if free < NEEDED_BYTES:
        raise DiskFull(
            f"building needs {NEEDED_BYTES / 1e9:.0f} GB below {paths.BUILD}, and "
            f"{free / 1e9:.1f} GB are free; free some space and run it again"
        )
