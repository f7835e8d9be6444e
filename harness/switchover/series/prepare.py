# SPDX-License-Identifier: GPL-2.0-or-later
"""The mails of the series, made from the rebased tree. Nothing is ever sent.

git writes them, QEMU's get_maintainer.pl says who is to get them, and a dry run of
git send-email has the last word.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..core import bootstrap, files, paths
from ..core.command import CommandFailed, run
from ..core.errors import NotReady, WrongTree
from ..core.git import edited, git, head
from ..core.lock import exclusive
from ..core.progress import Progress
from ..qemu import tree
from . import check, coverletter, patch_by_patch, rebase
from .commits import Series

# Without the latter, which is only recommended, the former can't read an address.
MAIL = ["git-email", "libmailtools-perl"]
LIST = "qemu-devel@nongnu.org"
# As QEMU's own .b4-config has it.
MAINTAINERS = [
    "scripts/get_maintainer.pl",
    *("--noroles", "--norolestats", "--nogit", "--nogit-fallback"),
]
PROVENANCE = Path("docs") / "devel" / "code-provenance.rst"
QUESTION = (
    "Is all of this true of each patch, and do you want to say so by your name? "
    "Type yes: "
)
DRY_RUN = "send-email.txt"
# Should a dry run ever send, it would not come far.
NOWHERE = ["-c", "sendemail.smtpServer=/bin/false"]
SHOWN_FINDINGS = 3


def main(folder: Path, signoff: bool) -> None:
    """scripts/series prepare."""
    if folder.exists():
        raise NotReady(f"{folder} is there already; name a folder that is not")
    if missing := bootstrap.missing_packages(MAIL):
        bootstrap.install(missing)
    progress = Progress()
    with exclusive("series-check", "checking the series"):
        submitter = identity()
        refuse_dirty_trees()
        letter = coverletter.read()
        series = rebase.refreshed(progress)
        body = letter.body([commit.subject for commit in series.commits])
        options = [f"--reroll-count={letter.version}"] if letter.version > 1 else []
        refuse_unchecked(series, progress)
        if signoff:
            agree(paths.tree_dir(rebase.NAME) / PROVENANCE)
            options.append("--signoff")
        write(folder, series, f"{letter.subject}\n\n{body}", options, submitter)
    files = " ".join(path.name for path in sorted(folder.glob("*.patch"))[:2])
    print(
        f"{folder} has the mails ({files} ...) and in {DRY_RUN} what git send-email "
        f"would do. Read them, then send them yourself: git send-email {folder}/*.patch"
    )


def identity() -> str:
    """Who the user's own git says that they are, as in a mail; raises NotReady."""
    name, email = tree.setting("user.name"), tree.setting("user.email")
    if not name or not email:
        raise NotReady(
            "git does not know who you are; run: git config --global user.name NAME, "
            "and the same for user.email"
        )
    return f"{name} <{email}>"


def refuse_dirty_trees() -> None:
    """Raise WrongTree when something is not committed, or not exported."""
    try:
        changes = edited(paths.ROOT)
    except CommandFailed:
        raise WrongTree(f"{paths.ROOT} is not a git clone; clone it anew") from None
    if changes:
        raise WrongTree(f"{changes} is not committed here; commit it, or git stash")
    if tree.has_local_work():
        raise WrongTree(
            "build/tree/patched has local work; run scripts/series export and commit "
            "it, or drop it with: rm -r build/tree/patched"
        )


def refuse_unchecked(series: Series, progress: Progress) -> None:
    """Raise NotReady when the check says no, or was not made of just this."""
    findings = check.quick(series, rebase.NAME, progress)
    findings += patch_by_patch.remembered(series)
    wrong = [str(one) for one in findings if not one.passed]
    if wrong:
        more = len(wrong) - SHOWN_FINDINGS
        shown = "; ".join(wrong[:SHOWN_FINDINGS])
        raise NotReady(
            f"{shown}{f'; and {more} more' if more > 0 else ''}. "
            "Mend it, then run: scripts/series check --rebased"
        )


def agree(page: Path) -> None:
    """Show what a sign-off means, and ask; raises NotReady at all but a yes."""
    if not page.is_file():
        raise NotReady(f"{page} is not there, and no one signs off without it")
    if not sys.stdin.isatty():
        raise NotReady("--signoff asks a question; run it in a terminal")
    print(page.read_text())
    if input(QUESTION).strip().lower() != "yes":
        raise NotReady("not signed off; nothing was written")


def write(
    folder: Path,
    series: Series,
    description: str,
    options: list[str],
    submitter: str,
) -> None:
    """Make `folder` with the mails and the dry run, whole or not at all.

    git writes the mails; a branch's description becomes the cover letter.
    """
    source = paths.tree_dir(rebase.NAME)
    assert head(source) == series.tip
    with files.fresh(folder) as made:
        made.mkdir()
        command = [
            *("-c", f"branch.{rebase.NAME}.description={description}"),
            *("format-patch", "--quiet", "--thread=shallow", "--cover-letter"),
            "--cover-from-description=subject",
            f"--base={series.base}",
            f"--from={submitter}",
            f"--output-directory={made.resolve()}",
            f"--to={LIST}",
            *(f"--cc={one}" for one in recipients(series)),
            *options,
            f"{series.base}..{rebase.NAME}",
        ]
        try:
            git(source, "branch", "--force", rebase.NAME, series.tip)
            git(source, *command, env=tree.committer())
            (made / DRY_RUN).write_text(_dry_run(made, submitter))
        except CommandFailed as error:
            raise NotReady(
                f"git format-patch or git send-email does not take this ({error}); "
                "nothing was written"
            ) from None


def recipients(series: Series) -> list[str]:
    """Whom get_maintainer.pl names for any of the patches, but for the list."""
    source = paths.tree_dir(rebase.NAME)
    with series.formatted() as patches:
        named = run("perl", *MAINTAINERS, *patches, cwd=source)
    return [line for line in dict.fromkeys(named.splitlines()) if LIST not in line]


def _dry_run(folder: Path, submitter: str) -> str:
    """What git send-email says that it would do."""
    return git(
        paths.tree_dir(rebase.NAME),
        *NOWHERE,
        *("send-email", "--dry-run", "--confirm=never", "--quiet"),
        f"--from={submitter}",
        *sorted(str(path.resolve()) for path in folder.glob("*.patch")),
        env={"HOME": os.devnull},
    )
