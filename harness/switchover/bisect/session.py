# SPDX-License-Identifier: GPL-2.0-or-later
"""One bisection from the question to the answer, over interruptions."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.errors import WrongRange
from ..qemu import configure
from . import confirmation, git_bisect, journal, python2, question, recipe
from .examine import Examiner
from .outcome import SKIP, CommitResult
from .question import Question
from .repository import Repository, short

OLD_END, NEW_END = "old end", "new end"
FIRST, PARENT = "first commit", "its parent"


@dataclass(frozen=True)
class Conclusion:
    """What came out: `doubt` is why the first commit, if any, is not named."""

    question: Question
    first: CommitResult | None
    candidates: tuple[str, ...]
    doubt: str
    results: tuple[CommitResult, ...]
    log: str

    @property
    def is_decisive(self) -> bool:
        return self.first is not None and not self.doubt


def checked(asked: Question) -> Question:
    """The same with the full names of its commits; raises WrongRange, WrongTree."""
    repository = Repository.at(Path(asked.repository))
    old, new = repository.commit(asked.old), repository.commit(asked.new)
    _check_order(repository, old, new, asked.cures)
    if not repository.between(old, new, asked.paths):
        raise WrongRange(
            f"no commit between {short(old)} and {short(new)} touches "
            f"{' '.join(asked.paths)}; name others with --paths"
        )
    return replace(asked, repository=str(repository.directory), old=old, new=new)


def _check_order(repository: Repository, old: str, new: str, cures: bool) -> None:
    if old == new:
        raise WrongRange(f"both ends are {short(old)}; name two commits")
    base = repository.merge_base(old, new)
    if base == old:
        return
    if base == new:
        older, newer = ("good", "bad") if cures else ("bad", "good")
        remedy = "drop" if cures else "add"
        sought = "brought" if cures else "cured"
        raise WrongRange(
            f"the {older} revision comes before the {newer} one; swap them, or "
            f"{remedy} --old-new to look for the commit that {sought} it"
        )
    advice = "they have no commit in common"
    if base:
        advice = f"take {short(base)}, where they part, as the older one"
    raise WrongRange(f"neither revision is in the history of the other; {advice}")


def run(
    asked: Question,
    examiner: Examiner,
    command: Sequence[str] = git_bisect.STEP,
) -> Conclusion:
    """Check the ends, bisect, confirm. What has been found already is kept.

    Raises WrongRange if the ends are not what was said of them, Stopped, and
    what stops every step.
    """
    _begin(asked)
    repository = examiner.repository
    _prepare(repository, asked)
    _check_ends(asked, examiner)
    count = repository.between(asked.old, asked.new, asked.paths)
    steps = math.ceil(math.log2(count + 1))
    print(f"{count} commits, about {steps} steps", file=sys.stderr)
    with (
        examiner.progress.step(f"bisect {asked.scenario}"),
        repository.worktree(asked.new) as worktree,
    ):
        answer = git_bisect.run(asked, worktree, command)
    first, doubt = None, "it is one of those which had to be skipped"
    if answer.first:
        first, doubt = _confirm(asked, examiner, answer.first)
    question.forget()
    results = tuple(journal.results())
    return Conclusion(asked, first, answer.candidates, doubt, results, answer.log)


def _begin(asked: Question) -> None:
    """Go on with this question if it is the one that was interrupted."""
    if question.stored() == asked:
        count = len(journal.results())
        print(f"going on after {count} steps of the last run", file=sys.stderr)
        return
    journal.clear()
    asked.store()


def _prepare(repository: Repository, asked: Question) -> None:
    """See before hours are spent what will be missing."""
    configure.check_space()
    for commit in (asked.old, asked.new):
        if recipe.needs_python2(repository.file(commit, "configure")):
            python2.ensure()


def _check_ends(asked: Question, examiner: Examiner) -> None:
    ends = [
        _examined(examiner, commit, role, asked.repeat)
        for commit, role in ((asked.old, OLD_END), (asked.new, NEW_END))
    ]
    for end in ends:
        if end.verdict == SKIP:
            question.forget()
            raise WrongRange(
                f"the {end.role}, {short(end.commit)}, can't be judged: {end.why}; "
                "choose another one beside it"
            )
    verdicts = [end.verdict for end in ends]
    wanted = [asked.expected(is_new) for is_new in (False, True)]
    if verdicts == wanted:
        return
    question.forget()
    seen = "; ".join(
        f"{short(end.commit)} is {end.verdict} ({end.why}; {end.counted()})"
        for end in ends
    )
    if verdicts == wanted[::-1]:
        raise WrongRange(f"good and bad are swapped: {seen}")
    raise WrongRange(
        f"both ends are {verdicts[0]}, so there is nothing between them to find: {seen}"
    )


def _confirm(
    asked: Question, examiner: Examiner, commit: str
) -> tuple[CommitResult, str]:
    """Look at the commit and its parents again, closely; it, and a doubt if any."""
    times = confirmation.runs(asked.repeat)
    first = _examined(examiner, commit, FIRST, times, thorough=True)
    parents = [
        _examined(examiner, parent, PARENT, times, thorough=True)
        for parent in examiner.repository.parents(commit)
    ]
    return first, confirmation.doubt(first, parents, asked.cures)


def _examined(
    examiner: Examiner, commit: str, role: str, repeat: int, thorough: bool = False
) -> CommitResult:
    """The result from the journal, or made now."""
    result = journal.find(commit, role)
    if result is None:
        result = examiner.examine(commit, role, repeat, thorough)
        journal.add(result)
    return result
