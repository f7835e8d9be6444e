# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's scripts/checkpatch.pl, and which of its messages are justified.

patches/checkpatch.toml says which message of which patch is, and why:

    ["SUBJECT OF THE PATCH"]
    "MESSAGE" = "why it has to be like this"

A message is given from its start, as far as one likes. Signed-off-by lines are not
asked for: the person who sends the patches adds them.
"""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..core import paths
from ..core.command import reason
from ..core.errors import WrongTree
from ..core.progress import Progress
from .commits import Series
from .finding import Finding

SCRIPT = Path("scripts") / "checkpatch.pl"
FILE = "checkpatch.toml"
OPTIONS = ["--no-signoff", "--terse", "--no-summary"]
SAID = re.compile(r"^.*?:(\d+): ((?:ERROR|WARNING): .*)$", re.MULTILINE)
SECONDS = 120.0


@dataclass(frozen=True)
class Message:
    """What is said about a line of a patch's file."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"

    def begins(self, words: str) -> bool:
        """Whether these are its first words, with or without its type."""
        return self.text.startswith(words) or self.text.split(": ", 1)[1].startswith(
            words
        )


def findings(series: Series, name: str, progress: Progress) -> Iterator[Finding]:
    """What the script of the tree `name` says about each patch and is not justified."""
    reasons = justified()
    total = len(series.commits)
    with progress.step("checkpatch", total) as step, series.formatted() as files:
        for commit, file in zip(series.commits, files, strict=True):
            step.update(commit.number - 1, total)
            found = run(file, paths.tree_dir(name))
            mine = reasons.pop(commit.subject, {})
            wrong = [*map(str, unjustified(found, mine))]
            wrong += [
                f"{FILE} justifies {words!r}, which is not said"
                for words in unused(found, mine)
            ]
            yield Finding("checkpatch", "; ".join(wrong), commit.number, commit.subject)
    for subject in reasons:
        wrong_subject = f"{FILE} has a patch that is not in the series: {subject}"
        yield Finding("checkpatch", wrong_subject)


def run(patch: Path, source: Path) -> list[Message]:
    """What the script of the tree `source` says about a patch.

    When it says nothing that can be understood, that is a message, too.
    """
    # It takes a relative path with ".." in it for a range of commits.
    command: list[str | Path] = ["perl", SCRIPT, *OPTIONS, patch.resolve()]
    try:
        ended = subprocess.run(
            command,
            cwd=source,
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return [Message(0, f"ERROR: {SCRIPT.name}: no end after {SECONDS:.0f} s")]
    found = [Message(int(line), text) for line, text in SAID.findall(ended.stdout)]
    if ended.returncode and not found:
        why = reason(ended.stderr or ended.stdout)
        return [Message(0, f"ERROR: {SCRIPT.name} failed: {why}")]
    return found


def justified() -> dict[str, dict[str, str]]:
    """What patches/checkpatch.toml says; raises WrongTree when it can't be read."""
    path = paths.PATCHES / FILE
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise WrongTree(f"patches/{FILE} is no valid TOML ({error}); mend it") from None


def unjustified(found: Iterable[Message], reasons: dict[str, str]) -> list[Message]:
    """The messages that no reason is given for."""
    return [one for one in found if not any(map(one.begins, reasons))]


def unused(found: Iterable[Message], reasons: dict[str, str]) -> list[str]:
    """Those of the justified messages that are not said at all."""
    messages = list(found)
    return [words for words in reasons if not any(m.begins(words) for m in messages)]
