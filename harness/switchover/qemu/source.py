# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's source: the submodule, else Debian's source package, else a cache."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from ..core import debian, files, paths
from ..core.command import CommandFailed, run
from ..core.errors import SourceUnavailable, WrongTree
from ..core.git import edited, git, head

# Upstream's v10.2.0, what the submodule is at.
COMMIT = "698104725efad4b29079d857dfdebbd804e34c99"
PACKAGE, VERSION, SUITE = "qemu", "1:10.2.2+ds-1", "sid"
DSC = "qemu_10.2.2+ds-1.dsc"
SHA256 = {
    DSC: "f1684b3aa5ec500c3389d346c6501dee45041ea91656c6556d4da9023b7987dd",
    "qemu_10.2.2+ds.orig.tar.xz": (
        "be05230fe47a6937cd29f28f562932c8125f9c93c2a82c625198f7a4aa601dfb"
    ),
    "qemu_10.2.2+ds-1.debian.tar.xz": (
        "ddf75aceab4f8f77374f3cb34fc97b41514895aeb293ce8b2ddd5e072bb0f5c0"
    ),
}
# Fetched by meson at configure time, so missing in a git checkout.
WRAPS = ("keycodemapdb", "berkeley-softfloat-3", "berkeley-testfloat-3")
CACHE_VARIABLE = "QEMU_SOURCE_CACHE"
CONNECT_SECONDS = 5.0
CLONE_SECONDS = 60.0
CLONE = ["submodule", "update", "--init", "--depth", "1"]
IMPATIENT = ["-c", "http.lowSpeedLimit=10000", "-c", "http.lowSpeedTime=10"]

Way = tuple[str, Callable[[Path], None]]


def identity() -> str:
    """What a tree has been made from; changes with the pins above."""
    return f"{COMMIT} or {VERSION} {SHA256[DSC]}"


def unpack(target: Path) -> str:
    """Make `target` a source tree and return which source it is from.

    The variable QEMU_SOURCE_CACHE names a folder that may have the source package's
    files; it is used when there is no other source. Raises WrongTree when
    the submodule is checked out but not as it should be, and SourceUnavailable,
    with each way's reason, when no way leads to a source.
    """
    try:
        return _first([("submodule qemu/", _from_submodule), *_package_ways()], target)
    except SourceUnavailable as error:
        raise SourceUnavailable(
            f"no QEMU source could be had: {error}. Connect to a network, or put "
            f"{', '.join(SHA256)} into a folder and name it in {CACHE_VARIABLE}"
        ) from None


def _first(ways: list[Way], target: Path) -> str:
    """The first way that makes `target`; raises SourceUnavailable with all reasons."""
    tried: list[str] = []
    for number, (name, way) in enumerate(ways, 1):
        try:
            way(target)
        except SourceUnavailable as error:
            shutil.rmtree(target, ignore_errors=True)
            tried.append(f"({number}) {name}: {error}")
        else:
            return name
    raise SourceUnavailable("; ".join(tried))


def _package_ways() -> list[Way]:
    debians = f"Debian's source package {PACKAGE} {VERSION}"
    return [(debians, _from_debian), ("cache folder", _from_cache)]


def _from_cache(target: Path) -> None:
    folder = os.environ.get(CACHE_VARIABLE)
    if not folder:
        raise SourceUnavailable(f"none is named by {CACHE_VARIABLE}")
    unpack_package(Path(folder), target)


def _from_debian(target: Path) -> None:
    folder = debian.download_source(PACKAGE, VERSION, SUITE)
    try:
        unpack_package(folder, target)
    except SourceUnavailable:
        # Else the next run would find the same bad files again.
        shutil.rmtree(folder)
        raise


def unpack_package(folder: Path, target: Path) -> None:
    """Unpack the source package in `folder`, with Debian's patches applied.

    Raises SourceUnavailable when a file is missing or has the wrong digest.
    """
    for name, digest in SHA256.items():
        check(folder / name, digest)
    try:
        # Its own checks are of a signature; the digests above say more.
        run("dpkg-source", "--no-check", "--no-copy", "--extract", folder / DSC, target)
    except CommandFailed as error:
        raise SourceUnavailable(f"dpkg-source failed ({error})") from None
    for bookkeeping in (".pc", "debian"):
        shutil.rmtree(target / bookkeeping, ignore_errors=True)


def check(path: Path, digest: str) -> None:
    """Raise SourceUnavailable unless the file has this SHA-256 digest."""
    if not path.is_file():
        raise SourceUnavailable(f"{path} is not there")
    found = files.digest(path)
    if found != digest:
        raise SourceUnavailable(
            f"{path} has the wrong digest ({found[:12]}, not {digest[:12]})"
        )


def _from_submodule(target: Path) -> None:
    if not (paths.SUBMODULE / ".git").exists():
        _init_submodule()
    _check_submodule()
    with TemporaryDirectory(dir=target.parent) as temporary:
        archive = Path(temporary) / "qemu.tar"
        git(paths.SUBMODULE, "archive", f"--output={archive}", COMMIT)
        target.mkdir()
        run("tar", "--extract", "--file", archive, "--directory", target)
        _add_wraps(target, Path(temporary) / "package")


def _check_submodule() -> None:
    found = head(paths.SUBMODULE)
    if found != COMMIT:
        raise WrongTree(
            f"qemu/ is at {found[:12]}, not at {COMMIT[:12]} (v10.2.0); "
            "run: git submodule update qemu"
        )
    if changes := edited(paths.SUBMODULE):
        raise WrongTree(
            f"qemu/ was edited ({changes}), and edits belong into build/tree/patched; "
            "put them aside with: git -C qemu stash --include-untracked"
        )


def _add_wraps(target: Path, scratch: Path) -> None:
    """Take from a source package what the submodule lacks."""
    try:
        _first(_package_ways(), scratch)
    except SourceUnavailable as error:
        raise SourceUnavailable(f"it lacks {', '.join(WRAPS)} ({error})") from None
    for wrap in WRAPS:
        source = scratch / "subprojects" / wrap
        shutil.copytree(source, target / "subprojects" / wrap, symlinks=True)


def _init_submodule() -> None:
    """Clone the submodule if that is quickly done; raises SourceUnavailable."""
    _check_reachable(_submodule_url())
    try:
        run(
            *["git", *IMPATIENT, *CLONE, paths.SUBMODULE.name],
            cwd=paths.ROOT,
            env={"GIT_TERMINAL_PROMPT": "0"},
            deadline=CLONE_SECONDS,
        )
    except CommandFailed as error:
        # A half-made checkout would look like an edited one to the next run.
        shutil.rmtree(paths.SUBMODULE, ignore_errors=True)
        paths.SUBMODULE.mkdir()
        raise SourceUnavailable(f"it can't be cloned ({error})") from None


def _submodule_url() -> str:
    """Where the submodule comes from; raises SourceUnavailable if there is none."""
    name = paths.SUBMODULE.name
    try:
        entry = git(paths.ROOT, "ls-files", "--stage", name)
    except CommandFailed:
        entry = ""
    if not entry.startswith("160000"):
        raise SourceUnavailable("this is not a git clone that has it")
    setting = f"submodule.{name}.url"
    return git(paths.ROOT, "config", "--file", ".gitmodules", setting)


def _check_reachable(url: str) -> None:
    """Raise SourceUnavailable unless the URL's host can be connected to soon.

    In a thread, because a dead name server has no deadline of its own.
    """
    parts = urlsplit(url)
    if not parts.hostname:
        return
    connected = threading.Event()

    def connect() -> None:
        address = (parts.hostname, parts.port or 443)
        with suppress(OSError):
            socket.create_connection(address, CONNECT_SECONDS).close()
            connected.set()

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    if not connected.is_set():
        raise SourceUnavailable(
            f"it is not checked out, and {parts.hostname} can't be reached"
        )
