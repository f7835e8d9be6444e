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
import tomllib
from collections.abc import Iterator
from pathlib import Path

from ..core import paths
from ..core.command import CommandFailed, outcome, reason
from ..core.errors import WrongTree
from ..core.progress import Progress
from .commits import Series
from .finding import Finding

SCRIPT = Path("scripts") / "checkpatch.pl"
FILE = "checkpatch.toml"
OPTIONS = ["--no-signoff", "--terse", "--no-summary"]
SAID = re.compile(r"^.*?:(\d+: (?:ERROR|WARNING): .*)$", re.MULTILINE)
SECONDS = 120.0


def findings(series: Series, name: str, progress: Progress) -> Iterator[Finding]:
    """What the script of the tree `name` says about each patch and is not justified."""
    reasons = justified()
    total = len(series.commits)
    with progress.step("checkpatch", total) as step, series.formatted() as files:
        for commit, file in zip(series.commits, files, strict=True):
            step.update(commit.number - 1, total)
            found = run(file, paths.tree_dir(name))
            wrong = "; ".join(unexpected(found, reasons.pop(commit.subject, {})))
            yield Finding("checkpatch", wrong, commit.number, commit.subject)
    for subject in reasons:
        wrong = f"{FILE} has a patch that is not in the series: {subject}"
        yield Finding("checkpatch", wrong)


def run(patch: Path, source: Path) -> list[str]:
    """What the script of the tree `source` says about a patch, as "line N: TYPE: ...".

    When it says nothing that can be understood, that is a message, too.
    """
    # It takes a relative path with ".." in it for a range of commits.
    command: list[str | Path] = ["perl", SCRIPT, *OPTIONS, patch.resolve()]
    try:
        code, said = outcome(*command, cwd=source, deadline=SECONDS)
    except CommandFailed as error:
        return [f"{SCRIPT.name} failed: {error}"]
    # It exits with 0 if it only warns.
    found = [f"line {message}" for message in SAID.findall(said)]
    return [f"{SCRIPT.name} failed: {reason(said)}"] if code and not found else found


def justified() -> dict[str, dict[str, str]]:
    """What patches/checkpatch.toml says; raises WrongTree when it can't be read."""
    path = paths.PATCHES / FILE
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise WrongTree(f"patches/{FILE} is no valid TOML ({error}); mend it") from None


def unexpected(found: list[str], reasons: dict[str, str]) -> list[str]:
    """The messages that no reason is given for, and reasons for what is not said."""
    unjustified = [one for one in found if not any(_begins(one, w) for w in reasons)]
    unused = [w for w in reasons if not any(_begins(one, w) for one in found)]
    return unjustified + [f"{FILE} justifies {w!r}, which is not said" for w in unused]


def _begins(message: str, words: str) -> bool:
    """Whether these are its first words, with or without its type."""
    _, text = message.split(": ", 1)
    return text.startswith(words) or text.partition(": ")[2].startswith(words)
