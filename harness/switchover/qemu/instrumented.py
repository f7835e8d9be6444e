# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds of the patched source that find more than a plain one, and take longer.

    sanitized   AddressSanitizer with LeakSanitizer, and UndefinedBehaviorSanitizer, on
                the parts of QEMU that SANITIZED names
    tsan        ThreadSanitizer, on the same but for memory and processors; that is why
                it is not configure's --enable-tsan
    coverage    gcov, on the files that the series changes

The rest of it comes from the compiler's cache if it has been compiled for another
build. Memory is watched in all of it where libraries are: when it is allocated, freed,
copied and leaked. A sanitizer's report ends the process with an exit code that the
oracle takes for a crash. But ThreadSanitizer has much to report of unpatched QEMU,
which it writes to files.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..core import files, paths
from ..core.git import git

NAMES = ("sanitized", "tsan", "coverage")
# Where blocks, jobs, exports, migration and monitors are, and what they stand on.
THREADED = [
    "../block*",
    "../job*",
    "../migration/*",
    "../nbd/*",
    "../io/*",
    "../monitor/*",
    "../util/*",
    "../hw/block/*",
    "../hw/scsi/*",
    "../qemu-img.c",
    "../tests/unit/*",
]
# What a guest without KVM always runs through is too slow with ThreadSanitizer.
SANITIZED = [*THREADED, "../system/*"]
ADDRESS = "-fsanitize=address -fsanitize=undefined"
# With more of it the compiler makes one piece of code of lines that are alike, and
# with this it warns of variables that are fine.
COVERAGE = "--coverage -Og -Wno-maybe-uninitialized"
SUPPRESSIONS = paths.ROOT / "harness" / "sanitizers"
# Those in which a file can be named for reports.
REPORTING = ("ASAN_OPTIONS", "UBSAN_OPTIONS")
SANITIZED_ENVIRONMENT = {
    # Coroutines run on stacks of their own, which this would take for returned from.
    # GLib has no frame pointers: only a slow look finds who has called g_malloc().
    "ASAN_OPTIONS": "detect_stack_use_after_return=0:detect_leaks=1:"
    "fast_unwind_on_malloc=0:malloc_context_size=14",
    "LSAN_OPTIONS": f"suppressions={SUPPRESSIONS / 'leaks'}:print_suppressions=0",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}
# Each program would wait for a second at its end for what its threads still do, and a
# child that is forked would die, because QEMU starts its RCU thread again there.
THREAD_OPTIONS = "exitcode=0:atexit_sleep_ms=0:die_after_fork=0"
COMPILER = paths.ROOT / "harness" / "compiler" / "only.sh"
TSAN_HEADER = COMPILER.parent / "tsan.h"
# What is left out for speed uses atomics that only this library has. gcc warns of
# barriers, which ThreadSanitizer doesn't know; --enable-tsan has it keep quiet, too.
THREAD = f"-fsanitize=thread -latomic -Wno-tsan -include {TSAN_HEADER}"


def source(name: str) -> str:
    """The name of the tree that a build is made of; the variants are of "patched"."""
    return "patched" if name in NAMES else name


def environment(name: str) -> dict[str, str]:
    """What programs of a build have in theirs: the options of the sanitizers."""
    if name == "sanitized":
        return SANITIZED_ENVIRONMENT
    if name == "tsan":
        # Otherwise GLib passes on memory whose freeing ThreadSanitizer has not seen.
        glib = {"G_SLICE": "always-malloc"}
        return {"TSAN_OPTIONS": f"log_path={races() / 'race'}:{THREAD_OPTIONS}", **glib}
    return {}


def races() -> Path:
    """Where processes of "tsan" leave their reports, as race.<pid>."""
    return paths.LOGS / "tsan"


def folder(name: str) -> str:
    """The name of a build's folder in its tree; only the first is ignored by QEMU."""
    return f"build-{name}" if name in NAMES else "build"


def options(name: str, tree: Path) -> list[str]:
    """What configure is told for a build, and not for the others."""
    if name == "sanitized":
        compiler = _only(ADDRESS, SANITIZED)
        return [compiler, "--enable-asan", "--enable-ubsan"]
    if name == "tsan":
        return [_only(THREAD, THREADED)]
    if name == "coverage":
        files = [f"../{file}" for file in changed_sources(tree)]
        return [_only(COVERAGE, files)]
    return []


def _only(flags: str, patterns: list[str]) -> str:
    """The option for a compiler that uses flags only for some files; see only.sh."""
    text = "\n".join([flags, *patterns, ""])
    # configure has to see it when something else is chosen.
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = paths.BUILD / "compiler" / name
    if not path.is_file():
        files.write(path, text)
    return f"--cc={COMPILER} {path}"


def changed_sources(tree: Path) -> list[str]:
    """The C files that the series changes or adds, but not its tests."""
    names = git(tree, "diff", "--name-only", "--diff-filter=d", "base", "--", "*.c")
    return [name for name in names.splitlines() if not name.startswith("tests/")]


def ignore_folders(tree: Path) -> None:
    """Have git take no notice of these folders in a tree, and all its worktrees."""
    path = tree / git(tree, "rev-parse", "--git-path", "info/exclude")
    wanted = "/build-*/\n"
    text = path.read_text() if path.is_file() else ""
    if wanted not in text:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + wanted)
