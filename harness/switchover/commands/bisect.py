# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the commit of QEMU that brought a crash or lost data, or cured it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ..bisect import portable_scenarios, run_scenario, session, show, sourcetree
from ..bisect.examine import Examiner, programs
from ..bisect.outcome import SKIP, Outcome, together
from ..bisect.question import Question
from ..bisect.repository import Repository
from ..core import paths
from ..core.errors import BuildFailed, WrongRange
from ..core.lock import exclusive
from ..core.progress import Progress
from ..qemu import configure
from . import options

WIDTH_WITHOUT_TERMINAL = 120
DEFAULT = portable_scenarios.ALL[0].name
EPILOG = """\
Portable scenarios, for every QEMU since 2.6:
{portable}
For the series and what is like it, those of scripts/reproduce, too; there good is
what is declared for the patched build.

It exits with 0 if the commit was found and confirmed, with 1 if none can be named.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if a commit is named, or a verdict given; else 1."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if bool(given.at) == bool(given.good or given.bad):
        parser.error("give --good and --bad, or --at")
    if not given.at and not (given.good and given.bad):
        parser.error("--good and --bad belong together")
    if not given.at and len(given.scenario) > 1:
        parser.error("only one scenario can be bisected at a time")
    with exclusive("bisect", "bisecting"):
        return _at(given) if given.at else _bisect(given)


def _parser() -> argparse.ArgumentParser:
    portable = "\n".join(
        f"  {scenario.name}: {scenario.title}" for scenario in portable_scenarios.ALL
    )
    parser = argparse.ArgumentParser(
        prog="scripts/bisect",
        description=__doc__,
        epilog=EPILOG.format(portable=portable),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_revisions(parser)
    parser.add_argument(
        "--scenario",
        nargs="+",
        default=[DEFAULT],
        choices=run_scenario.NAMES,
        metavar="NAME",
        help=f"what is run ({DEFAULT}); several with --at",
    )
    parser.add_argument(
        "--repo",
        type=Path,
        default=paths.SUBMODULE,
        metavar="DIR",
        help="a clone of QEMU (the submodule qemu/); it is left as it is",
    )
    parser.add_argument(
        "--paths",
        nargs="+",
        default=[],
        metavar="PATH",
        help="look only at commits that touch these",
    )
    options.add_count(
        parser, "repeat", 1, "runs at each step, one bad one makes it bad"
    )
    options.add_json(parser)
    return parser


def _add_revisions(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--good", metavar="REV", help="a revision that does well")
    parser.add_argument("--bad", metavar="REV", help="a revision that does not")
    parser.add_argument(
        "--old-new",
        action="store_true",
        help="the bad one is the older one: find the commit that cured it",
    )
    parser.add_argument(
        "--at",
        nargs="+",
        default=[],
        metavar="REV",
        help="print the verdict on these revisions instead; debian/SUITE is the "
        "source package of bullseye, bookworm, trixie or sid",
    )


def _bisect(given: argparse.Namespace) -> int:
    ends = given.good, given.bad
    asked = session.checked(
        Question(
            repository=str(given.repo),
            old=ends[given.old_new],
            new=ends[not given.old_new],
            cures=given.old_new,
            scenario=given.scenario[0],
            repeat=given.repeat,
            paths=tuple(given.paths),
        )
    )
    repository = Repository(Path(asked.repository))
    examiner = Examiner(repository, asked.scenario, Progress())
    conclusion = session.run(asked, examiner)
    if given.json:
        print(json.dumps(show.data(conclusion), indent=1))
    else:
        print(conclusion.log)
        options.screen(WIDTH_WITHOUT_TERMINAL).print(show.table(conclusion.results))
        print(show.answer(conclusion))
    return int(not conclusion.is_decisive)


def _at(given: argparse.Namespace) -> int:
    """Verdicts on revisions; a line for each as it comes, on stderr."""
    _check_revisions(given)
    configure.check_space()
    progress = Progress()
    found: dict[str, dict[str, Outcome]] = {}
    try:
        for revision in given.at:
            found[revision] = _verdicts(revision, given, progress)
    finally:
        # What ends it is no fault of the revisions before.
        if given.json:
            print(json.dumps(show.verdicts_data(found), indent=1))
        else:
            options.screen(WIDTH_WITHOUT_TERMINAL).print(show.verdicts(found))
    row = [outcome for outcomes in found.values() for outcome in outcomes.values()]
    return int(all(outcome.verdict == SKIP for outcome in row))


def _check_revisions(given: argparse.Namespace) -> None:
    """Before the first of them is built: all have to be there."""
    for revision in given.at:
        suite = revision.removeprefix(sourcetree.DEBIAN)
        if suite == revision:
            Repository.at(given.repo).commit(revision)
        elif suite not in sourcetree.SUITES:
            raise WrongRange(
                f"{revision} is no source package that is known; the suites are "
                f"{', '.join(sourcetree.SUITES)}"
            )


def _verdicts(
    revision: str, given: argparse.Namespace, progress: Progress
) -> dict[str, Outcome]:
    outcomes = {}
    native = any(map(run_scenario.is_native, given.scenario))
    try:
        with progress.step(f"build {revision}"):
            tree = _get(revision, given.repo, progress)
            build = programs(tree, native, progress)
    except BuildFailed as error:
        return dict.fromkeys(given.scenario, Outcome(SKIP, f"no build: {error}"))
    for name in given.scenario:
        with progress.step(f"{name} at {revision}"):
            runs = [
                run_scenario.run(name, build, progress) for _ in range(given.repeat)
            ]
        outcomes[name] = together(runs)
        bad = f"{[run.verdict for run in runs].count('bad')}/{len(runs)} bad"
        said = f"{outcomes[name].verdict}, {bad}: {outcomes[name].why}"
        print(f"{revision} {name}: {said}", file=sys.stderr)
    return outcomes


def _get(revision: str, directory: Path, progress: Progress) -> str:
    """Bring the files of a revision there; what stands for them."""
    suite = revision.removeprefix(sourcetree.DEBIAN)
    if suite != revision:
        tree = sourcetree.unpack(suite)
    else:
        repository = Repository.at(directory)
        tree = repository.tree(repository.commit(revision))
        sourcetree.checkout(repository.directory, tree)
    sourcetree.add_wraps(progress)
    return tree
