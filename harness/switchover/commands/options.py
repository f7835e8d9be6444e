# SPDX-License-Identifier: GPL-2.0-or-later
"""What several commands have in common: options, and how a table is shown."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import TypeVar

from rich.console import Console

from ..qemu import build

T = TypeVar("T")

WIDTH_WITHOUT_TERMINAL = 140


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print data")


def add_build(
    parser: argparse.ArgumentParser,
    names: Collection[str] = build.ALL,
    default: str | None = "patched",
) -> None:
    """One build; without a default the command looks whether there is one."""
    parser.add_argument(
        "--build",
        type=build_name(names),
        default=default,
        metavar="NAME",
        help=f"one of {', '.join(names)} (default: patched)",
    )


def build_name(names: Collection[str] = build.ALL) -> Callable[[str], str]:
    """The type of an argument that is one of these."""

    def checked(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(
                f"there is no build {text!r} here; there are {', '.join(names)}"
            )
        return text

    return checked


def add_names(
    parser: argparse.ArgumentParser, what: str, known: Collection[str], more: str
) -> None:
    """The option that is called as what it chooses; see chosen()."""

    def pattern(text: str) -> str:
        if not any(fnmatchcase(name, text) for name in known):
            raise argparse.ArgumentTypeError(f"there is no {what} {text!r}")
        return text

    parser.add_argument(
        f"--{what}",
        nargs="+",
        default=["*"],
        type=pattern,
        metavar="NAME",
        help=f"only these ('*' stands for anything); {more}",
    )


def chosen(known: Mapping[str, T], patterns: Iterable[str]) -> list[T]:
    """Those whose names fit one of the patterns, in their own order."""
    patterns = list(patterns)
    return [
        value
        for name, value in known.items()
        if any(fnmatchcase(name, pattern) for pattern in patterns)
    ]


def add_count(
    parser: argparse.ArgumentParser, name: str, default: int, what: str
) -> None:
    """The option for how many times something is done, which is at least once."""

    def count(text: str) -> int:
        if not text.isdecimal() or int(text) < 1:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
        return int(text)

    text = f"{what} (default: {default})"
    parser.add_argument(
        f"--{name}", type=count, default=default, metavar="N", help=text
    )


def screen(width: int = WIDTH_WITHOUT_TERMINAL) -> Console:
    """The terminal, or a fixed width where there is none."""
    return Console(width=None if sys.stdout.isatty() else width)
