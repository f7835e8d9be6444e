# SPDX-License-Identifier: GPL-2.0-or-later
"""What a bisection is made of: dialects, recipes, the guest, the link, the files."""

from __future__ import annotations

import asyncio
import shutil
import struct
import sys
import time
from pathlib import Path

import pytest
from fake_vm import FakeVM
from project import commit, repository
from rich.console import Console

from switchover.bisect import (
    bootsector,
    builder,
    confirmation,
    folders,
    keycodes,
    portable_scenarios,
    python2,
    recipe,
    run_scenario,
    show,
    sourcetree,
    store,
)
from switchover.bisect.dialect import Dialect
from switchover.bisect.link import Link
from switchover.bisect.outcome import BAD, GOOD, SKIP, CommitResult, Outcome, together
from switchover.bisect.portable_rig import PortableRig
from switchover.commands import bisect
from switchover.core import paths
from switchover.core.command import CommandFailed, run
from switchover.core.errors import BuildFailed, MissingTool, SourceUnavailable
from switchover.core.git import git
from switchover.core.progress import Progress
from switchover.guest import disk
from switchover.judging.oracle import Expected, Verdict
from switchover.qemu import tree
from switchover.qemu.build import Build

# As query-qmp-schema has it, names of types left as they are.
OLD = [
    {"meta-type": "command", "name": "blockdev-add", "arg-type": "1"},
    {"meta-type": "object", "name": "1", "members": [{"name": "options"}]},
    {"meta-type": "command", "name": "migrate", "arg-type": "2"},
    {"meta-type": "object", "name": "2", "members": [{"name": "uri"}]},
]
NEW = [
    {"meta-type": "command", "name": "blockdev-add", "arg-type": "1"},
    {"meta-type": "object", "name": "1", "members": [{"name": "driver"}]},
    {"meta-type": "command", "name": "migrate", "arg-type": "2"},
    {"meta-type": "object", "name": "2", "members": [{"name": "channels"}]},
    {"meta-type": "command", "name": "migrate-set-parameters", "arg-type": "3"},
    {"meta-type": "object", "name": "3", "members": [{"name": "max-bandwidth"}]},
]
# Of keycodemapdb, cut down to what is changed.
KEYMAPS = "Linux Name,QEMU QKeyCode,Sun KBD\nKEY_ESC,esc,0x1d\nKEY_F13,f13,\n"
KEYMAP_GEN = """\
import argparse, sys
parser = argparse.ArgumentParser()
command = parser.add_subparsers(dest="command").add_parser("code-map")
command.add_argument("--lang")
args = parser.parse_args()
print(args.command, "in", args.lang)
"""


def dialect(schema: list, *commands: str) -> Dialect:
    listed = [{"name": command} for command in commands]
    vm = FakeVM(query_commands=[listed], query_qmp_schema=[schema])
    return asyncio.run(Dialect.of(vm))


def test_an_old_qemu_is_told_in_its_own_words():
    old = dialect(OLD, "nbd-server-add")
    assert old.migrate("exec:cat") == ("migrate", {"uri": "exec:cat"})
    assert old.bandwidth(1) == ("migrate_set_speed", {"value": 1})
    assert old.export("d")[0] == "nbd-server-add"
    assert list(old.add_file("n", "f")) == ["options"]


def test_a_new_qemu_is_told_in_its_own_words():
    new = dialect(NEW, "block-export-add")
    ((channel,),) = new.migrate("exec:cat")[1].values()
    assert channel["addr"] == {"transport": "exec", "args": ["/bin/sh", "-c", "cat"]}
    ((channel,),) = new.incoming("unix:s")[1].values()
    assert channel["addr"] == {"transport": "socket", "type": "unix", "path": "s"}
    assert new.bandwidth(1) == ("migrate-set-parameters", {"max_bandwidth": 1})
    assert new.export("d")[0] == "block-export-add"
    assert new.add_file("n", "f")["node-name"] == "n"
    assert not new.takes("unheard-of", "x")


def test_the_boot_sector_boots_and_its_code_ends_before_its_data():
    image = bootsector.image()
    assert len(image) == bootsector.SECTOR
    assert image[-2:] == b"\x55\xaa"
    code = image[: bootsector.PACKET - bootsector.ORIGIN].rstrip(b"\0")
    # Its last instruction jumps back to the increment of the counter.
    (distance,) = struct.unpack("<h", code[-2:])
    assert code[-3] == 0xE9
    assert code[len(code) + distance :].startswith(b"\x66\xff\x06")


def source(**files: str) -> Path:
    for name, text in files.items():
        file = folders.source() / name.replace("__", "/").replace("_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folders.source()


@pytest.fixture
def old_python(monkeypatch):
    monkeypatch.setattr(python2, "ensure", lambda: Path("/old/python"))


@pytest.mark.usefixtures("project", "old_python")
def test_an_old_tree_is_made_with_make_and_python_2():
    text = f"--disable-gtk) x;; --disable-gtkabi-z) # {recipe.NO_PYTHON_3}"
    found = recipe.of(source(configure=text, Makefile="subdir-%:\n"))
    assert found.is_old
    assert found.targets == ("subdir-x86_64-softmmu", "qemu-img")
    assert "--python=/old/python" in found.options
    assert "--disable-gtk" in found.options
    assert "--disable-gtkabi" not in found.options
    assert recipe.needs_python2(text)


@pytest.mark.usefixtures("project")
def test_memfd_create_is_kept_apart_where_qemu_has_its_own():
    assert "memfd_create" in recipe.header(source(configure="#include <sys/memfd.h>"))
    assert recipe.header(source(configure="#include <sys/mman.h>")) == ""


@pytest.mark.usefixtures("project")
def test_a_tree_in_between_is_made_with_make_and_python_3():
    found = recipe.of(source(configure="--disable-sdl) x", Makefile="%/all:\n"))
    assert found.program[0] == "make"
    assert found.targets[0] == "x86_64-softmmu/all"
    assert recipe.python3() in found.options


@pytest.mark.usefixtures("project")
def test_a_new_tree_is_made_with_ninja():
    text = "--without-default-features) --meson=*) --disable-gtk)"
    found = recipe.of(source(configure=text, meson_build=""))
    assert found.program == ("ninja",)
    assert "--without-default-features" in found.options
    assert any(option.startswith("--meson=") for option in found.options)
    assert "--disable-gtk" not in found.options


@pytest.mark.usefixtures("project")
def test_python_2_that_can_not_be_had_is_told(monkeypatch):
    def unavailable(*_):
        raise SourceUnavailable("no network")

    monkeypatch.setattr(python2.shutil, "which", lambda _: None)
    monkeypatch.setattr(python2.debian, "download_packages", unavailable)
    with pytest.raises(MissingTool, match="Python 2.7.*no network.*PATH"):
        python2.ensure()


@pytest.mark.usefixtures("project")
def test_a_stand_in_for_python_2_is_not_taken(monkeypatch, tmp_path):
    stand_in = tmp_path / "python2"
    stand_in.write_text("#!/bin/sh\nexit 127\n")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    (paths.CACHE / "python2").mkdir(parents=True)
    assert python2.ensure() == paths.CACHE / "python2" / python2.PROGRAM


@pytest.mark.usefixtures("project")
def test_what_an_earlier_build_left_is_made_anew_if_it_is_in_the_way(monkeypatch):
    tries = []

    def build(_made, _progress, reused):
        tries.append(reused)
        if reused:
            raise BuildFailed("stale")
        return Build("bisect", folders.build())

    monkeypatch.setattr(builder, "_build", build)
    monkeypatch.setattr(builder, "_is_reusable", lambda _: True)
    source(configure="", meson_build="")
    builder.build(Progress())
    assert tries == [True, False]
    builder.build(Progress(), fresh=True)
    assert tries[2:] == [False]


@pytest.mark.parametrize("needed", [True, False])
@pytest.mark.usefixtures("project")
def test_libfdt_is_installed_where_it_is_needed(monkeypatch, needed):
    installed = []
    monkeypatch.setattr(builder.bootstrap, "missing_packages", list)
    monkeypatch.setattr(builder.bootstrap, "install", installed.extend)
    target = folders.source() / builder.TARGET
    target.parent.mkdir(parents=True)
    target.write_text(builder.NEEDS_FDT if needed else "")
    builder._provide_fdt()
    assert installed == ([builder.FDT] if needed else [])


def made_of(project: Path, monkeypatch) -> tuple[Build, str]:
    """Programs that were just built, and the name that they are kept by."""
    monkeypatch.setattr(store.firmware, "link", lambda _: None)
    folder = project / "made"
    folder.mkdir()
    build = Build("bisect", folder)
    for program in (build.system, build.img):
        shutil.copy("/bin/true", program)
    plan = recipe.of(source(configure="", meson_build=""))
    return build, store.key("tree", plan)


def test_programs_are_kept_by_what_they_are_made_of(project, monkeypatch):
    build, name = made_of(project, monkeypatch)
    assert store.find(name, fresh=False) is None
    kept = store.keep(name, build, fresh=False)
    assert kept.system.stat().st_mode & 0o111
    assert store.find(name, fresh=False) == kept
    assert store.key("other", builder.plan()) != name
    # What is compared has to have been built from nothing.
    assert store.find(name, fresh=True) is None
    store.keep(name, build, fresh=True)
    assert store.find(name, fresh=True) == kept


def test_programs_that_could_not_be_kept_are_not_there(project, monkeypatch):
    build, name = made_of(project, monkeypatch)
    build.img.unlink()
    with pytest.raises(CommandFailed):
        store.keep(name, build, fresh=True)
    assert store.find(name, fresh=False) is None


def test_the_files_of_a_commit_come_without_git_and_others_go(project):
    clone = repository(project / "clone")
    commit(clone, "old.c", "x\n", "second")
    sourcetree.checkout(clone, "HEAD")
    assert sorted(p.name for p in folders.source().iterdir()) == ["block.c", "old.c"]
    before = (folders.source() / "block.c").stat().st_mtime_ns
    folders.build().mkdir()
    sourcetree.checkout(clone, "HEAD~1")
    assert sorted(p.name for p in folders.source().iterdir()) == ["block.c", "build"]
    assert (folders.source() / "block.c").stat().st_mtime_ns == before
    assert git(clone, "status", "--porcelain") == ""


@pytest.fixture
def release(project, monkeypatch) -> Path:
    """What a commit lacks is taken from here."""
    directory = paths.tree_dir("base")
    for name in ("keycodemapdb", "berkeley-softfloat-3", "berkeley-testfloat-3"):
        (directory / "subprojects" / name).mkdir(parents=True)
        (directory / "subprojects" / name / "README").touch()
    keycodemapdb(directory / "subprojects" / "keycodemapdb", "")
    monkeypatch.setattr(tree, "ensure", lambda *_: tree.Tree(directory))
    return directory


def keycodemapdb(place: Path, kind: str) -> tuple[Path, Path]:
    files = place / keycodes.PROGRAM, place / keycodes.TABLE
    for file, text in zip(files, (kind + KEYMAP_GEN, KEYMAPS), strict=True):
        file.parent.mkdir(parents=True)
        file.write_text(text)
    return files


@pytest.mark.usefixtures("release")
def test_what_a_commit_lacks_is_taken_from_the_release():
    (folders.source() / "ui" / "keycodemapdb").mkdir(parents=True)
    sourcetree.add_wraps(Progress())
    assert (folders.source() / "ui" / "keycodemapdb" / "README").exists()
    # A tree of that age has none.
    assert not (folders.source() / "subprojects").exists()


@pytest.mark.parametrize(
    "options", [["code-map", "--lang=c"], ["--lang=c", "code-map"]]
)
@pytest.mark.usefixtures("release")
def test_keymap_gen_takes_options_where_an_old_qemu_puts_them(options):
    (folders.source() / "ui").mkdir(parents=True)
    sourcetree.add_wraps(Progress())
    program = folders.source() / keycodes.PLACE / keycodes.PROGRAM
    assert run(sys.executable, program, *options) == "code-map in c\n"


@pytest.mark.usefixtures("release")
def test_keys_are_those_that_a_qemu_of_that_age_has():
    source(ui__x="", qapi__ui_json="{ 'enum': 'QKeyCode',\n  'data': [ 'esc',\n'1' ] }")
    table = folders.source() / keycodes.PLACE / keycodes.TABLE
    sourcetree.add_wraps(Progress())
    assert table.read_text() == KEYMAPS.replace(",f13,", ",,")
    # The next revision may have more.
    source(qapi__ui_json="{ 'enum': 'QKeyCode', 'data': [ 'esc', 'f13' ] }")
    sourcetree.add_wraps(Progress())
    assert table.read_text() == KEYMAPS
    made = table.stat().st_mtime_ns
    sourcetree.add_wraps(Progress())
    assert table.stat().st_mtime_ns == made


@pytest.mark.usefixtures("release")
def test_a_keycodemapdb_that_came_with_a_release_is_left_alone():
    program, table = keycodemapdb(folders.source() / keycodes.PLACE, "another ")
    source(qapi__ui_json="{ 'enum': 'QKeyCode', 'data': [ 'esc' ] }")
    sourcetree.add_wraps(Progress())
    assert program.read_text() == "another " + KEYMAP_GEN
    assert table.read_text() == KEYMAPS


def test_the_link_forwards_both_ways_at_its_rate_and_can_be_cut(tmp_path):
    size = 256 << 10

    async def serve(reader, writer):
        await reader.readexactly(size)
        writer.write(b"done")
        await writer.drain()

    async def story() -> float:
        server = await asyncio.start_unix_server(serve, tmp_path / "there")
        link = Link(tmp_path, "here", "there")
        link.rate = size
        await link.open()
        reader, writer = await asyncio.open_unix_connection(tmp_path / "here")
        start = time.monotonic()
        writer.write(b"x" * size)
        assert await reader.readexactly(4) == b"done"
        duration = time.monotonic() - start
        await link.cut()
        assert await reader.read() == b""
        with pytest.raises(OSError):
            await asyncio.open_unix_connection(tmp_path / "here")
        server.close()
        return duration

    # Never faster than its rate; how much slower depends on the machine.
    assert asyncio.run(story()) > 0.9


def test_one_bad_run_makes_it_bad_and_no_verdict_is_a_skip():
    good, bad = Outcome(GOOD, "completed"), Outcome(BAD, "crash: a")
    skip = Outcome(SKIP, "hang")
    assert together([good, bad, skip]) == bad
    assert together([skip, good]) == good
    assert together([skip, skip]) == skip
    assert together([]).verdict == SKIP


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Outcome(BAD, "crash: a; completed, 48 MiB never copied"), "crash+loss"),
        (Outcome(BAD, "completed, 1 MiB never copied"), "loss"),
        (Outcome(BAD, "completed; images equal"), "bad"),
        (Outcome(GOOD, "failed: Cannot inactivate"), "failed"),
        (Outcome(SKIP, "it has no drive-mirror"), "-"),
    ],
)
def test_an_outcome_in_a_word(outcome, word):
    assert show.word(outcome) == word


def test_verdicts_on_all_portable_scenarios_are_a_table_that_fits_a_page():
    crash, loss = Outcome(BAD, "crash: a"), Outcome(BAD, "1 MiB never copied")
    both, good = Outcome(BAD, f"{crash.why}; {loss.why}"), Outcome(GOOD, "completed")
    outcomes = (crash, crash, crash, both, both, loss, good, both)
    row = dict(zip(portable_scenarios.BY_NAME, outcomes, strict=True))
    screen = Console(width=bisect.WIDTH_WITHOUT_TERMINAL)
    with screen.capture() as captured:
        screen.print(show.verdicts({"debian/bullseye": row}))
    line = captured.get().splitlines()[-2]
    words = "debian/bullseye", *map(show.word, outcomes)
    assert [cell.strip() for cell in line.strip("│").split("│")] == list(words)


def step(*outcomes: str, digest: str = "1") -> CommitResult:
    verdict = together([Outcome(o, "why") for o in outcomes]).verdict
    return CommitResult("c", "s", "r", verdict, "why", outcomes, digest=digest)


@pytest.mark.parametrize(
    ("first", "parent", "cures", "doubt"),
    [
        (step(*[BAD] * 5), step(*[GOOD] * 5, digest="2"), False, ""),
        (step(*[GOOD] * 5), step(*[BAD] * 5, digest="2"), True, ""),
        (step(*[BAD] * 5), step(*[GOOD] * 5), False, "a race"),
        (step(*[BAD] * 5), step(BAD, *[GOOD] * 4, digest="2"), False, "its parent is"),
        (step(BAD), step(BAD, digest="2"), True, "it is bad, too"),
        (step(*[GOOD] * 5), step(*[GOOD] * 5, digest="2"), False, "not bad any more"),
        (step(BAD, *[GOOD] * 4), step(*[GOOD] * 5, digest="2"), False, "by luck"),
        (step(SKIP), step(GOOD, digest="2"), False, "it can't be judged"),
        (step(BAD), step(SKIP, digest="2"), False, "its parent can't be judged"),
    ],
)
def test_only_a_decisive_commit_is_named(first, parent, cures, doubt):
    assert doubt in confirmation.doubt(first, [parent], cures)
    assert bool(doubt) == bool(confirmation.doubt(first, [parent], cures))


def test_the_first_of_all_commits_has_nothing_to_be_compared_with():
    assert confirmation.doubt(step(BAD), [], False)


def test_scenarios_have_names_of_their_own():
    assert len(set(run_scenario.NAMES)) == len(run_scenario.NAMES)
    assert len(portable_scenarios.BY_NAME) == len(portable_scenarios.ALL)


class Ended:
    """A process that has ended."""

    killed = False

    def __init__(self, name: str, exit_code: int, stderr: str = "") -> None:
        self.name = name
        self.exit_code = exit_code
        self.stderr = stderr
        self.told_to_quit = exit_code == 0
        self.killed = False


def judged(
    tmp_path: Path,
    status: str,
    lost: int = 0,
    error: str = "",
    source: Ended | None = None,
    destination: Ended | None = None,
) -> Outcome:
    rig = PortableRig(Build("b", tmp_path), tmp_path)
    rig.status = status
    rig.errors += [error] if error else []
    rig._difference = disk.Difference(lost // disk.BLOCK, 0 if lost else None)
    rig.source = source or Ended("source", 0)
    rig._vms = [rig.source, destination or Ended("destination", 0)]
    return rig.outcome()


def test_a_run_is_judged_by_what_it_lost(tmp_path):
    assert judged(tmp_path, "completed").verdict == GOOD
    assert judged(tmp_path, "completed", 1 << 20) == Outcome(
        BAD, "completed, 1 MiB never copied"
    )
    # The source goes on, so nothing is lost.
    assert judged(tmp_path, "failed", 1 << 20, "no").verdict == GOOD
    assert judged(tmp_path, "", error="unheard of").verdict == SKIP


def test_a_run_is_judged_by_its_crash(tmp_path):
    text = "qemu: /x/block/io.c:9: f: Assertion `a' failed."
    source = Ended("source", -6, text)
    crash = Outcome(BAD, "crash: source: block/io.c:9: f: Assertion `a' failed")
    assert judged(tmp_path, "completed", source=source) == crash


def test_an_exit_is_no_crash(tmp_path):
    gone = Ended("destination", 1)
    assert judged(tmp_path, "failed", destination=gone).verdict == GOOD
    assert judged(tmp_path, "completed", source=Ended("source", 1)).verdict == SKIP


def test_a_scenario_of_the_series_is_judged_by_what_is_declared():
    done = Expected(journey=("completed",))
    verdict = Verdict(journey=("completed",))
    assert run_scenario.native_outcome(verdict, done).verdict == GOOD
    twice = Expected(journey=("completed",), stops=2)
    assert "stopped 0 times, not 2" in run_scenario.native_outcome(verdict, twice).why
    assert run_scenario.native_outcome(Verdict(hang="no end"), done).verdict == SKIP
    crash = Verdict(hang="no end", crashes=("abort: source: f",))
    assert run_scenario.native_outcome(crash, done).verdict == BAD
