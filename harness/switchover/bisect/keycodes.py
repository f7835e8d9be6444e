# SPDX-License-Identifier: GPL-2.0-or-later
"""Today's keycodemapdb for a QEMU of which it was a submodule, until 2023."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

PLACE = Path("ui/keycodemapdb")
PROGRAM = Path("tools/keymap-gen")
TABLE = Path("data/keymaps.csv")
# Options came before the command; now they are taken only after it.
ARGUMENTS = "parser.parse_args()"
IN_ANY_ORDER = 'parser.parse_args(sorted(sys.argv[1:], key="code-map".__ne__))'
SCHEMA = Path("qapi/ui.json")
KEYS = re.compile(r"'enum': 'QKeyCode',.*?\[(.*?)\]", re.DOTALL)
COLUMN = "QEMU QKeyCode"


def fit(source: Path, origin: Path) -> None:
    """Change the copy of `origin` in a source tree; another one is left alone."""
    place = source / PLACE
    today = (origin / PROGRAM).read_text()
    fitting = today.replace(ARGUMENTS, IN_ANY_ORDER)
    program = place / PROGRAM
    if not program.is_file() or program.read_text() not in (today, fitting):
        return
    _write(program, fitting)
    table = (origin / TABLE).read_text()
    if known := _known(source / SCHEMA):
        table = _restricted(table, known)
    _write(place / TABLE, table)


def _known(schema: Path) -> set[str]:
    """The keys that this QEMU has."""
    found = KEYS.search(schema.read_text()) if schema.is_file() else None
    return set(re.findall(r"'(\w+)'", found[1])) if found else set()


def _restricted(table: str, known: set[str]) -> str:
    """The table, without QEMU's keys of other names."""
    rows = list(csv.DictReader(io.StringIO(table)))
    for row in rows:
        if row[COLUMN] not in known:
            row[COLUMN] = ""
    restricted = io.StringIO()
    writer = csv.DictWriter(restricted, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return restricted.getvalue()


def _write(file: Path, text: str) -> None:
    """Only if it differs, so that nothing is made anew in vain."""
    if file.read_text() != text:
        file.write_text(text)
