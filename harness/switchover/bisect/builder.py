# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the revision whose files are there, in the one build folder."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
from pathlib import Path

from ..core import bootstrap
from ..core.command import CommandFailed, run
from ..core.errors import BuildFailed
from ..core.progress import Progress
from ..qemu import configure, firmware, ninja
from ..qemu.build import Build
from . import folders, recipe
from .recipe import Recipe

STAMP = "switchover.recipe"
# For some years no x86 emulator was built without it, and it was a submodule.
NEEDS_FDT = "TARGET_NEED_FDT=y"
FDT = "libfdt-dev"
TARGET = Path("configs/targets/x86_64-softmmu.mak")
CONFIGURE_SECONDS = 600.0


def plan(own_options: bool = False) -> Recipe:
    """How the files that are there will be built; raises MissingTool."""
    return recipe.of(folders.source(), own_options)


def build(progress: Progress, own_options: bool = False, fresh: bool = False) -> Build:
    """Build the emulator and qemu-img.

    `own_options` are those of our own builds, which native scenarios need; what
    an earlier revision has left is used unless it has to be `fresh`. Raises
    BuildFailed and MissingTool.
    """
    made = plan(own_options)
    reused = not fresh and _is_reusable(made)
    try:
        return _build(made, progress, reused)
    except BuildFailed:
        if not reused:
            raise
    # What another revision has left may have been in the way.
    return _build(made, progress, reused=False)


def _build(made: Recipe, progress: Progress, reused: bool) -> Build:
    folder = folders.build()
    if not reused:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    (folder / STAMP).unlink(missing_ok=True)
    folders.logs().mkdir(exist_ok=True)
    _provide_fdt()
    # At each revision: make's own way of doing it forgets CFLAGS.
    with progress.step("configure"):
        _configure(made)
    firmware.link(folder)
    with progress.step("compile") as step:
        log = folders.logs() / "compile.log"
        ninja.compile_targets(folder, list(made.targets), log, step, made.program)
    result = Build("bisect", folder)
    if made.system != result.system.name:
        result.system.unlink(missing_ok=True)
        result.system.symlink_to(made.system)
    (folder / STAMP).write_text(_key(made))
    return result


def _provide_fdt() -> None:
    """Install it if it is needed; raises MissingTool, SourceUnavailable."""
    target = folders.source() / TARGET
    is_needed = target.is_file() and NEEDS_FDT in target.read_text()
    if is_needed and (missing := bootstrap.missing_packages([FDT])):
        bootstrap.install(missing)


def _configure(made: Recipe) -> None:
    configure.check_space()
    folder = folders.build()
    environment = configure.environment()
    if made.is_old:
        header = folder / "switchover.h"
        header.write_text(recipe.header(folders.source()))
        environment["CFLAGS"] = f"{recipe.FLAGS} -include {header}"
    log = folders.logs() / "configure.log"
    # Old ones say on their stdout what is wrong.
    aloud = ["sh", "-c", 'exec "$0" "$@" 1>&2']
    command = [*aloud, str(folders.source() / "configure"), *made.options]
    log.write_text(f"{shlex.join(command)}\n")
    try:
        run(*command, cwd=folder, env=environment, deadline=CONFIGURE_SECONDS)
    except CommandFailed as error:
        raise BuildFailed(
            f"configure failed ({error}); see {log} and config.log in {folder}"
        ) from None


def _is_reusable(made: Recipe) -> bool:
    stamp = folders.build() / STAMP
    return stamp.is_file() and stamp.read_text() == _key(made)


def _key(made: Recipe) -> str:
    return hashlib.sha256(json.dumps(made.options).encode()).hexdigest()
