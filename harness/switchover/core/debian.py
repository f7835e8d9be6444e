# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian packages, downloaded and unpacked but never installed.

apt runs with a configuration of our own, below build/cache/apt, so the system's
package lists stay as they are and no root is needed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from . import files, paths
from .command import CommandFailed, run
from .errors import SourceUnavailable
from .lock import exclusive

SYSTEM_SOURCES = Path("/etc/apt")
# Enough for the largest file over a slow line; a dead network is noticed
# earlier, by apt's own timeouts.
DEADLINE_SECONDS = 600.0

CONFIGURATION = """\
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "{private}/sources";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "{private}/preferences";
Dir::State "{private}/state";
Dir::State::status "{private}/status";
Dir::Cache "{private}/cache";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""


@dataclass(frozen=True)
class Mirror:
    """Where this machine gets Debian from: URI, its suite, options of trust."""

    uri: str
    suite: str
    signed_by: str


def machine_mirror(etc: Path = SYSTEM_SOURCES) -> Mirror:
    """The mirror in the machine's own apt sources; raises SourceUnavailable."""
    parts = etc / "sources.list.d"
    for path in sorted(parts.glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            if mirror := _deb822_mirror(stanza):
                return mirror
    for path in [etc / "sources.list", *sorted(parts.glob("*.list"))]:
        for line in path.read_text().splitlines() if path.is_file() else []:
            if mirror := _line_mirror(line):
                return mirror
    raise SourceUnavailable(
        f"no Debian mirror is named in {etc}; add one to {etc}/sources.list"
    )


def fields(stanza: str) -> dict[str, str]:
    """The fields of a deb822 stanza, by lower-case name."""
    found: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line.startswith((" ", "\t")) and name:
            found[name] += "\n" + line
        elif ":" in line:
            name, value = line.split(":", 1)
            name = name.strip().lower()
            found[name] = value.strip()
    return found


def _deb822_mirror(stanza: str) -> Mirror | None:
    found = fields(stanza)
    uris = found.get("uris", "").split()
    suites = found.get("suites", "").split()
    usable = (
        "deb" in found.get("types", "").split()
        and "main" in found.get("components", "").split()
        and found.get("enabled", "yes") != "no"
    )
    if not (usable and uris and suites and _is_debian(uris[0])):
        return None
    return Mirror(uris[0], suites[0], found.get("signed-by", ""))


def _line_mirror(line: str) -> Mirror | None:
    match = re.match(r"deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s+.*\bmain\b", line)
    if not match or not _is_debian(match[2]):
        return None
    options = dict(option.split("=", 1) for option in (match[1] or "").split())
    return Mirror(match[2], match[3], options.get("signed-by", ""))


def _is_debian(uri: str) -> bool:
    """Whether it is the archive itself: not security, not another project's.

    Debian's cloud images name a list of mirrors: mirror+file:/.../debian.list.
    """
    return uri.rstrip("/").rsplit("/", 1)[-1] in ("debian", "debian.list")


def download_source(package: str, version: str | None, suite: str) -> Path:
    """The files of a source package, in a folder of the cache.

    Without a version it is the suite's newest at the time of the download.
    apt has checked them against the archive's signature. Raises
    SourceUnavailable.
    """
    name = (version or suite).replace(":", "_")
    target = paths.CACHE / "sources" / f"{package}_{name}"
    if not target.is_dir():
        wanted = f"{package}={version}" if version else package
        with files.fresh(target) as folder:
            folder.mkdir()
            _apt_get("deb-src", suite, folder, "source", "--download-only", wanted)
    return target


def download_packages(names: list[str], suite: str | None = None) -> dict[str, Path]:
    """Unpacked packages by name, from `suite` or the machine's own.

    Each folder holds the package's files, and DEBIAN/control, which control()
    reads. What was unpacked once is used again without the network. Raises
    SourceUnavailable.
    """
    suite = suite or machine_mirror().suite
    targets = {name: paths.CACHE / "packages" / suite / name for name in names}
    missing = [name for name in names if not targets[name].is_dir()]
    if missing:
        paths.CACHE.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=paths.CACHE) as temporary:
            folder = Path(temporary)
            _apt_get("deb", suite, folder, "download", *missing)
            for name in missing:
                (archive,) = folder.glob(f"{name}_*.deb")
                unpack(archive, targets[name])
    return targets


def unpack(archive: Path, target: Path) -> None:
    """Unpack a .deb, control files too, into a folder that is there or not."""
    with files.fresh(target) as folder:
        run("dpkg-deb", "--raw-extract", archive, folder)


def control(directory: Path) -> dict[str, str]:
    """The control fields of an unpacked package, by lower-case name."""
    return fields((directory / "DEBIAN" / "control").read_text())


def _apt_get(kind: str, suite: str, folder: Path, *command: str) -> None:
    """Update the lists, then run apt-get in `folder`.

    For one suite and type of source ("deb" or "deb-src").
    """
    name = f"{suite}-{kind}"
    configuration = _configure(kind, suite, paths.CACHE / "apt" / name)
    apt = ["apt-get", "--config-file", str(configuration), "--quiet=2"]
    with exclusive(f"apt-{name}", "downloading packages"):
        for words in (("update",), command):
            try:
                run(*apt, *words, cwd=folder, deadline=DEADLINE_SECONDS)
            except CommandFailed as error:
                raise SourceUnavailable(
                    f"apt-get {' '.join(words)} failed ({error}); "
                    "check the network and run it again"
                ) from None


def _configure(kind: str, suite: str, private: Path) -> Path:
    """Make a folder for an apt of our own; its configuration."""
    mirror = machine_mirror()
    for name in ("sources", "preferences", "state/lists/partial", "cache"):
        (private / name).mkdir(parents=True, exist_ok=True)
    (private / "status").touch()
    signed_by = f"Signed-By: {mirror.signed_by}\n" if mirror.signed_by else ""
    (private / "sources" / "debian.sources").write_text(
        f"Types: {kind}\nURIs: {mirror.uri}\nSuites: {suite}\n"
        f"Components: main\n{signed_by}"
    )
    configuration = private / "apt.conf"
    configuration.write_text(CONFIGURATION.format(private=private))
    return configuration
