# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import errno
import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from project import has_ended

from switchover.core import bootstrap, paths
from switchover.core.errors import BuildFailed, Busy, DiskFull
from switchover.core.lock import exclusive
from switchover.core.progress import Progress, Task
from switchover.qemu import build, configure, firmware, ninja, tree

# Stands in for QEMU's configure: says how often it ran, and writes a build.ninja
# that copies what the tree holds.
CONFIGURE = """\
#!/bin/sh
echo run >> ../configured
echo "$@" > arguments
test ! -e ../fail || { echo 'ERROR: Dependency "glib" not found' >&2; exit 1; }
cat > build.ninja <<END
rule copy
  command = cp \\$in \\$out
  description = Compiling \\$out
rule all
  command = mkdir -p storage-daemon && cp \\$in \\$out
build qemu-system-x86_64: copy ../block.c
build qemu-img: copy ../block.c
build qemu-io: copy ../block.c
build qemu-nbd: copy ../block.c
build storage-daemon/qemu-storage-daemon: all ../block.c
END
"""


@pytest.fixture
def source(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree that builds in no time, with no downloads."""
    directory = project / "build" / "tree" / "base"
    directory.mkdir(parents=True)
    (directory / "block.c").write_text("one\n")
    (directory / "configure").write_text(CONFIGURE)
    (directory / "configure").chmod(0o755)
    monkeypatch.setattr(tree, "ensure", lambda *_: tree.Tree(directory))
    monkeypatch.setattr(firmware, "link", lambda _directory: None)
    return directory


def make() -> build.Build:
    return build.ensure("base", Progress())


def times_configured(source: Path) -> int:
    return len((source / "configured").read_text().splitlines())


@pytest.mark.usefixtures("source")
def test_the_programs_are_at_their_stable_paths() -> None:
    assert make().system == paths.BUILD / "base" / "qemu-system-x86_64"
    assert all(program.is_file() for program in make().programs)
    assert (paths.BUILD / "base" / "storage-daemon" / "qemu-storage-daemon").is_file()
    data = json.loads(json.dumps(make().as_data()))
    assert data["nbd"] == str(paths.BUILD / "base" / "qemu-nbd")


def test_an_edit_is_compiled_without_configuring_again(source: Path) -> None:
    make()
    (source / "block.c").write_text("two\n")
    assert make().system.read_text() == "two\n"
    assert times_configured(source) == 1


def test_another_configure_line_is_configured_again(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make()
    monkeypatch.setattr(configure, "OPTIONS", ["--disable-tcg"])
    assert (make().directory / "arguments").read_text().startswith("--disable-tcg ")
    assert times_configured(source) == 2


def test_other_python_tools_are_configured_again(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make()
    monkeypatch.setattr(bootstrap, "venv_key", lambda: "other")
    make()
    assert times_configured(source) == 2


def test_another_compiler_is_configured_for_again(
    source: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make()
    gcc = tmp_path / "bin" / "gcc"
    gcc.parent.mkdir()
    gcc.write_text("#!/bin/sh\necho gcc 99\n")
    gcc.chmod(0o755)
    monkeypatch.setenv("PATH", str(gcc.parent), prepend=os.pathsep)
    make()
    assert times_configured(source) == 2


def test_local_work_is_built_and_said_to_be(
    source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tree, "ensure", lambda *_: tree.Tree(source, True))
    assert make().system.is_file()
    assert build.LOCAL_WORK in capsys.readouterr().err


def test_a_failed_configure_is_named_and_done_again(source: Path) -> None:
    (source / "fail").touch()
    with pytest.raises(BuildFailed, match=r'Dependency "glib" not found.*config\.log'):
        make()
    (source / "fail").unlink()
    assert make().system.is_file()


@pytest.mark.usefixtures("source")
def test_an_interrupted_configure_is_done_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_command: Any, cwd: Any, **_keywords: Any) -> None:
        (cwd / "half").touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(configure, "run", interrupted)
        patched.setattr(configure, "_key", lambda _tree: "key")
        with pytest.raises(KeyboardInterrupt):
            make()
    directory = make().directory
    assert not (directory / "half").exists()
    assert (directory / "qemu-img").is_file()


@pytest.mark.usefixtures("source")
def test_too_small_a_disk_is_told_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(configure, "NEEDED_BYTES", 10**18)
    with pytest.raises(DiskFull, match=r"building needs 1000000000 GB .* are free"):
        make()
    assert not (paths.BUILD / "base").exists()


@pytest.mark.usefixtures("source")
def test_a_second_build_of_the_same_is_refused() -> None:
    with (
        exclusive("base", "building base"),
        pytest.raises(Busy, match="is building base; wait"),
    ):
        make()


@pytest.fixture
def log(project: Path) -> Path:
    folder = project / "build" / "logs"
    folder.mkdir()
    return folder / "compile.log"


def compile_with(rule: str, log: Path) -> list[tuple[int, int]]:
    """Let ninja make one target by a shell command; returns the progress shown."""
    directory = log.parent / "folder"
    directory.mkdir(exist_ok=True)
    (directory / "build.ninja").write_text(
        f"rule make\n  command = {rule}\nbuild out: make\n"
    )
    shown: list[tuple[int, int]] = []

    class Recorder(Task):
        def update(self, done: int, total: int | None = None) -> None:
            assert total
            shown.append((done, total))

    ninja.compile_targets(directory, ["out"], log, Recorder("make", None))
    return shown


def test_progress_is_what_ninja_says(log: Path) -> None:
    assert compile_with("touch out", log) == [(1, 1)]
    assert compile_with("touch out", log) == []


def test_a_failed_compile_shows_the_errors_and_names_the_log(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = "echo \"a.c:1: error: no 'x'\"; echo note: more; exit 1"
    with pytest.raises(BuildFailed, match=str(log)):
        compile_with(rule, log)
    errors = capsys.readouterr().err.splitlines()
    assert "a.c:1: error: no 'x'" in errors
    assert "note: more" not in errors
    assert "note: more" in log.read_text()


def test_a_full_disk_while_compiling_is_told_apart(log: Path) -> None:
    rule = "echo 'cc1: error: No space left on device'; exit 1"
    with pytest.raises(OSError, match="No space left") as caught:
        compile_with(rule, log)
    assert caught.value.errno == errno.ENOSPC


def test_ctrl_c_ends_the_compilers(log: Path) -> None:
    pipe = log.parent / "pid"
    os.mkfifo(pipe)
    # To open it for reading is to wait until the compiler's output is followed.
    os.mkfifo(log)
    compilers = []

    def interrupt() -> None:
        compilers.append(int(pipe.read_text()))
        with log.open():
            os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        compile_with(f"echo $$$$ > {pipe} && sleep 1000", log)
    assert has_ended(compilers[0])
