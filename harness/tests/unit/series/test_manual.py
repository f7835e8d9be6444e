# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from switchover.core import paths
from switchover.core.errors import BuildFailed
from switchover.series import manual

# Stands in for sphinx-build: remembers what it has read, and fails as it is told.
SPHINX = """\
#!/bin/sh
while [ "$1" != -d ]; do shift; done
mkdir -p "$2" && touch "$2/read"
test ! -e "$3/bad" || { echo; echo 'Warning, treated as error:'
    cat "$3/bad"; echo; echo '===  ==='; exit 2; } >&2
"""


@pytest.fixture
def source(project: Path) -> Any:
    sphinx = paths.VENV / "bin" / "sphinx-build"
    sphinx.parent.mkdir(parents=True)
    sphinx.write_text(SPHINX)
    sphinx.chmod(0o755)
    (project / "docs").mkdir()
    return project


def make(source: Path) -> str:
    """What is wrong with it, or "" if nothing is."""
    try:
        manual.make(source, source / "log")
    except BuildFailed as error:
        return str(error)
    return ""


def doctrees_are_kept() -> bool:
    return (paths.BUILD / "manual" / "doctrees" / "read").is_file()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("docs/devel/migration/main.rst", True),
        ("qapi/migration.json", True),
        ("qemu-options.hx", True),
        ("docs/meson.build", False),
        ("block/mirror.c", False),
    ],
)
def test_it_is_known_what_it_is_made_from(name: str, expected: bool) -> None:
    assert manual.is_about(name) is expected


def test_a_manual_without_a_warning_is_well(source: Path) -> None:
    assert make(source) == ""
    assert doctrees_are_kept()


def test_a_warning_is_told_and_will_be_told_again(source: Path) -> None:
    (source / "docs" / "bad").write_text("docs/a.rst:21:Malformed table.\nText in it")
    assert make(source) == "docs/a.rst:21:Malformed table."
    assert "Text in it" in (source / "log").read_text()
    assert not doctrees_are_kept()


def test_an_error_that_is_no_warning_is_told(source: Path) -> None:
    (source / "docs" / "bad").write_text("Extension error!")
    assert make(source) == "Extension error!"


def test_a_hang_is_told_and_ended(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manual, "SECONDS", 0.2)
    (paths.VENV / "bin" / "sphinx-build").write_text("#!/bin/sh\nsleep 1000\n")
    assert make(source) == "no end after 0 s"
