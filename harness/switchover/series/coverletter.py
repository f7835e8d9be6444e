# SPDX-License-Identifier: GPL-2.0-or-later
"""The cover letter: patches/cover-letter, which is written by hand but for the numbers.

Its first lines are "Subject: ..." and "Version: N", then comes the text. In it
"{patches from SUBJECT}" stands for the numbers of the patches from the one with that
subject to the one before the next such marker, and "{count}" for how many there are.
What has yet to be written says EDITME.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..core import paths
from ..core.errors import NotReady

FILE = "cover-letter"
SHOWN = f"patches/{FILE}"
UNEDITED = "EDITME"
HEADER = re.compile(r"\ASubject: (\S.*)\nVersion: ([1-9]\d*)\n\n(.*)\Z", re.DOTALL)
MARKER = re.compile(r"\{patches from ([^}]*)\}")
COUNT = "{count}"


@dataclass(frozen=True)
class CoverLetter:
    """What is in the file; `text` still has its markers."""

    subject: str
    version: int
    text: str

    def body(self, subjects: Sequence[str]) -> str:
        """The text with the numbers of a series with these subjects.

        Raises NotReady when something of it has yet to be written, or a marker
        names no patch.
        """
        lines = [self.subject, *self.text.splitlines()]
        unedited = [line for line in lines if UNEDITED in line]
        if unedited:
            raise NotReady(
                f"{SHOWN} has yet to be written where it says {UNEDITED} "
                f"({len(unedited)} lines, the first: {unedited[0].strip()!r})"
            )
        if wrong := _wrong(self.text, subjects):
            raise NotReady(f"{SHOWN} {wrong}")
        first = {name: subjects.index(name) + 1 for name in MARKER.findall(self.text)}
        ends = [*list(first.values())[1:], len(subjects) + 1]
        spans = dict(zip(first, map(_span, first.values(), ends), strict=True))
        text = MARKER.sub(lambda found: spans[found[1]], self.text)
        return text.replace(COUNT, str(len(subjects)))


def read() -> CoverLetter:
    """The cover letter; raises NotReady when there is none that can be used."""
    path = paths.PATCHES / FILE
    found = HEADER.match(path.read_text()) if path.is_file() else None
    if not found:
        raise NotReady(
            f"{SHOWN} has to begin with the lines 'Subject: ...' and 'Version: 1', "
            "and an empty one; git checkout it, or write it"
        )
    return CoverLetter(found[1], int(found[2]), found[3])


def wrong_markers(subjects: Sequence[str]) -> str:
    """What is wrong with the cover letter's markers, or with the file; "" if nothing.

    That it has yet to be written is not wrong before it is to be sent.
    """
    try:
        letter = read()
    except NotReady as error:
        return str(error)
    return _wrong(letter.text, subjects)


def _wrong(text: str, subjects: Sequence[str]) -> str:
    names = MARKER.findall(text)
    for name in names:
        if subjects.count(name) != 1:
            return f"speaks of a patch that is not in the series: {name!r}"
    places = [subjects.index(name) for name in names]
    for (before, after), name in zip(pairwise(places), names[1:], strict=False):
        if after <= before:
            return f"speaks of {name!r} after a later patch"
    if places and places[0]:
        return f"leaves out the patches before {names[0]!r}"
    return ""


def _span(first: int, end: int) -> str:
    last = end - 1
    return f"{first}" if first == last else f"{first}-{last}"
