# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from switchover.core import paths
from switchover.core.errors import BuildFailed
from switchover.core.progress import Progress
from switchover.qemu import configure, firmware, ninja, tree
from switchover.series import checktree


class Compiler:
    """Stands in for configure and ninja: what they were told, and what they say."""

    def __init__(self) -> None:
        self.configured = 0
        self.targets: list[str] = []
        self.says = ""

    def configure(self, tree: Any, directory: Any, _log: Any) -> None:
        self.configured += 1
        configure._stamp(directory).write_text(configure._key(tree, directory))

    def compile_targets(
        self, _directory: Any, targets: Any, _log: Any, _step: Any
    ) -> None:
        self.targets = targets
        if self.says:
            raise BuildFailed(self.says)


@pytest.fixture
def compiler(toy: Path, monkeypatch: pytest.MonkeyPatch) -> Compiler:
    made = Compiler()
    folder = toy / "build" / checktree.NAME
    folder.mkdir()
    (folder / "build.ninja").write_text("\nbuild tests/unit/test-iov: C x\n")
    monkeypatch.setattr(configure, "configure", made.configure)
    monkeypatch.setattr(firmware, "link", lambda _: None)
    monkeypatch.setattr(ninja, "compile_targets", made.compile_targets)
    tree.ensure("base", Progress())
    return made


def compile_at(commit: str, base: str = "base") -> None:
    checktree.compile_at(commit, base, Progress())


def test_programs_and_those_tests_that_are_there_are_compiled(
    compiler: Compiler,
) -> None:
    compile_at(tree.applied())
    source = paths.tree_dir(checktree.NAME) / "block.c"
    assert source.read_text() == "one\n2\nthree\n"
    assert compiler.targets[-1] == "tests/unit/test-iov"
    assert "qemu-system-x86_64" in compiler.targets


def test_why_a_commit_does_not_build_is_said(compiler: Compiler) -> None:
    compiler.says = "block.c: no"
    with pytest.raises(BuildFailed, match=r"block\.c: no"):
        compile_at("base")


def test_another_base_is_configured_anew(compiler: Compiler) -> None:
    for base, times in (("base", 1), ("base", 1), ("other", 2)):
        compile_at("base", base)
        assert compiler.configured == times
