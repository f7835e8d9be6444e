# SPDX-License-Identifier: GPL-2.0-or-later
"""From a bare machine to the venv's Python; needs the standard library alone.

This file and what it imports must parse on older Pythons, which have to be able
to say that they are too old.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from . import command, paths
from .errors import MissingTool, SourceUnavailable, main_guard
from .lock import exclusive
from .progress import Progress

OLDEST = (3, 11)
REQUIREMENTS = paths.ROOT / "harness" / "requirements.txt"
PACKAGES = [
    "bison",
    "ccache",
    "dpkg-dev",
    "flex",
    "gcc",
    "gdb",
    "git",
    "libaio-dev",
    "libc6-dev",
    "libfuse3-dev",
    "libglib2.0-dev",
    "libgnutls28-dev",
    "libpixman-1-dev",
    "liburing-dev",
    "libzstd-dev",
    "make",
    "ninja-build",
    "pkg-config",
    "xz-utils",
    "zlib1g-dev",
]
# Kept short: this is the text of the error when there is no network.
PIP_TRIES = ["--retries", "1", "--timeout", "20"]
APT_TRIES = ["-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"]


def run(command_name: str) -> NoReturn:
    """What every script does: enter the venv, run main() of its module, exit."""

    def main() -> int | None:
        enter()
        module = importlib.import_module(f"switchover.commands.{command_name}")
        code: int | None = module.main()
        return code

    sys.exit(main_guard(main))


def enter() -> None:
    """Return inside the venv's Python, with all packages installed.

    Outside of it the same script is started again there, and this does not
    return. Raises MissingTool, SourceUnavailable, Busy.
    """
    if sys.version_info < OLDEST:
        raise MissingTool(
            "Python 3.11 or newer is needed, this is {}.{}; "
            "run it as: python3.11 {}".format(*sys.version_info[:2], sys.argv[0])
        )
    if Path(sys.prefix) == paths.VENV:
        return
    missing = missing_packages(PACKAGES + venv_packages())
    if missing or not venv_is_ready():
        with exclusive("bootstrap", "installing what is needed"):
            if missing:
                install(missing)
            make_venv()
    python = str(paths.VENV / "bin" / "python")
    os.execv(python, [python, *sys.argv])


def missing_packages(packages: list[str]) -> list[str]:
    """Those Debian packages which are not installed."""
    if shutil.which("dpkg-query") is None:
        raise MissingTool("this needs Debian 12 or newer: there is no dpkg-query here")
    query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package}\n"]
    # It exits 1 when it does not know one of them, and lists the others.
    listing = subprocess.run(
        [*query, *packages], check=False, capture_output=True, text=True
    )
    installed = {
        line.split()[1]
        for line in listing.stdout.splitlines()
        if line.startswith("installed ")
    }
    return [package for package in packages if package not in installed]


def venv_packages() -> list[str]:
    """What Debian's own Python needs to make a venv; others have it built in."""
    return [] if importlib.util.find_spec("ensurepip") else ["python3-venv"]


def install(packages: list[str]) -> None:
    """Install Debian packages; raises MissingTool with their names if it can't."""
    names = " ".join(packages)
    if os.geteuid() != 0:
        raise MissingTool(
            f"these Debian packages are missing: {names}; "
            f"as root run: apt-get install {names}"
        )
    with Progress().step("install Debian packages"):
        if apt_get("install", *packages):
            # A fresh machine has no package lists, or stale ones.
            apt_get("update")
            error = apt_get("install", *packages)
            if error:
                raise SourceUnavailable(
                    f"these Debian packages can't be installed: {names} ({error}); "
                    "check the network and run it again"
                )


def apt_get(verb: str, *packages: str) -> str:
    """Run apt-get quietly; its first error, or "" when all is well."""
    options = ["--yes", "--quiet=2", "--no-install-recommends", *APT_TRIES]
    words = ["apt-get", verb, *options, *packages]
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    with command.start(*words, env=env, stderr=subprocess.PIPE) as process:
        try:
            errors = process.communicate()[1]
        except KeyboardInterrupt:
            # dpkg must not be torn in the middle of a package.
            process.communicate()
            raise
    return command.reason(errors) if process.returncode else ""


def venv_key() -> str:
    """What the venv is made from: the pins and the Python."""
    made_from = REQUIREMENTS.read_bytes() + f"{sys.version} {paths.VENV}".encode()
    return hashlib.sha256(made_from).hexdigest()


def venv_is_ready() -> bool:
    """Whether the venv was finished, and from what is wanted now."""
    stamp = paths.VENV / "stamp"
    return stamp.is_file() and stamp.read_text() == venv_key()


def make_venv() -> None:
    """Make the venv in place, for it can't be moved; the stamp comes last."""
    if venv_is_ready():
        return
    with Progress().step("make the Python venv"):
        shutil.rmtree(paths.VENV, ignore_errors=True)
        try:
            command.run(sys.executable, "-m", "venv", paths.VENV)
            python = paths.VENV / "bin" / "python"
            pip = ("-m", "pip", "install", "--quiet", "--require-hashes", *PIP_TRIES)
            command.run(python, *pip, "--no-deps", "--requirement", REQUIREMENTS)
        except command.CommandFailed as error:
            raise SourceUnavailable(
                f"the Python venv can't be made ({error}); "
                "check the network and run it again"
            ) from None
        (paths.VENV / "stamp").write_text(venv_key())
