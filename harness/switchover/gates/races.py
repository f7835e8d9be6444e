# SPDX-License-Identifier: GPL-2.0-or-later
"""The data races of the series, among all that ThreadSanitizer has reported.

Unpatched QEMU has many: what is read without a lock because an old value does no harm.
So only those count in which an access is in a line that the series adds or changes, and
locks that are taken in two orders if such a line takes one.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping

from ..core import paths
from ..qemu import instrumented
from ..qemu.build import Build
from .coverage import added_lines

DIVIDER = "=" * 18 + "\n"
SUMMARY = re.compile(r"^SUMMARY: ThreadSanitizer: (.*?)(?: \(|$)", re.MULTILINE)
# A frame in QEMU's own source, not in that of a library or of the sanitizer.
FRAME = re.compile(r"^ +#\d+ (\S+) \.\./((?!\.\./)\S+):(\d+) ", re.MULTILINE)
# Stacks that tell where something was made.
ORIGIN = re.compile(r"^ *(?:Location is|Thread T|Mutex M\d+ \(.*created)")
# What accesses memory for whoever calls it.
HELPERS = re.compile(r"(?:host/)?include/|util/(?:qemu-thread-posix|bitmap|bitops)\.c")

Lines = Mapping[str, Container[int]]


def clear() -> None:
    """Forget what has been reported so far."""
    for report in instrumented.races().glob("race.*"):
        report.unlink()


def measure(build: Build) -> tuple[list[str], int]:
    """The races of the series, and how many kinds of reports there are in all."""
    lines = added_lines(paths.tree_dir(build.source))
    text = "".join(
        report.read_text(errors="replace")
        for report in sorted(instrumented.races().glob("race.*"))
    )
    return sorted(set(found(text, lines))), len(set(SUMMARY.findall(text)))


def count(build: Build) -> tuple[int, int]:
    """Print the races of the series, each of which has failed."""
    own, kinds = measure(build)
    print(*own, sep="\n")
    print(f"{len(own)} data races of the series, among {kinds} reported in all")
    # It has much to report even of unpatched QEMU: if there is nothing, nobody looked.
    return 0, len(own) + (kinds == 0)


def found(text: str, lines: Lines) -> Iterator[str]:
    """What is reported and has an access in one of these lines, in words."""
    for report in text.split(DIVIDER):
        summary = SUMMARY.search(report)
        own = [
            place for place in accesses(report) if place[1] in lines.get(place[0], ())
        ]
        if summary and own:
            where = ", ".join(f"{file}:{line}" for file, line in own)
            yield f"{summary[1]}, by {where}"


def accesses(report: str) -> Iterator[tuple[str, int]]:
    """Where each access of a report is, as file and line."""
    for stack in report.split("\n\n"):
        if ORIGIN.match(stack.lstrip("\n")):
            continue
        for match in FRAME.finditer(stack):
            if not HELPERS.match(match[2]):
                yield match[2], int(match[3])
                break
