# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import pytest

from switchover.core import paths
from switchover.core.errors import NotReady
from switchover.series import coverletter

SUBJECTS = ["block: A", "block: B", "migration: C", "tests: D"]


def write(text: str, subject: str = "block: All of it", version: int = 1) -> None:
    letter = f"Subject: {subject}\nVersion: {version}\n\n{text}"
    (paths.PATCHES / coverletter.FILE).write_text(letter)


@pytest.mark.usefixtures("project")
def test_numbers_come_from_the_series() -> None:
    write(
        "{count} patches\n{patches from block: A}: x\n{patches from migration: C}: y\n"
        "{patches from tests: D}: z\n",
        version=2,
    )
    letter = coverletter.read()
    assert (letter.subject, letter.version) == ("block: All of it", 2)
    assert letter.body(SUBJECTS) == "4 patches\n1-2: x\n3: y\n4: z\n"
    assert not coverletter.wrong_markers(SUBJECTS)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{patches from block: X}", "not in the series: 'block: X'"),
        ("{patches from block: B}", "leaves out the patches before 'block: B'"),
        (
            "{patches from block: A} {patches from tests: D} {patches from block: B}",
            "'block: B' after a later patch",
        ),
    ],
)
@pytest.mark.usefixtures("project")
def test_markers_have_to_fit_the_series(text: str, wrong: str) -> None:
    write(text)
    assert wrong in coverletter.wrong_markers(SUBJECTS)
    with pytest.raises(NotReady, match=wrong):
        coverletter.read().body(SUBJECTS)


@pytest.mark.usefixtures("project")
def test_what_has_yet_to_be_written_is_refused_only_when_it_is_sent() -> None:
    write("Text.\n\nEDITME: figures\n")
    assert not coverletter.wrong_markers(SUBJECTS)
    with pytest.raises(NotReady, match=r"EDITME \(1 lines.*'EDITME: figures'"):
        coverletter.read().body(SUBJECTS)
    write("Text.\n", subject="EDITME")
    with pytest.raises(NotReady, match="EDITME"):
        coverletter.read().body(SUBJECTS)


@pytest.mark.parametrize("text", [None, "", "Subject: a\n\nText\n", "Version: 1\n"])
@pytest.mark.usefixtures("project")
def test_a_letter_without_its_header_is_refused(text: None | str) -> None:
    if text is not None:
        (paths.PATCHES / coverletter.FILE).write_text(text)
    assert "has to begin with" in coverletter.wrong_markers(SUBJECTS)
