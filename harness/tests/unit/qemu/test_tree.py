# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from project import commit, patch, write_series

from switchover.core import paths
from switchover.core.command import CommandFailed
from switchover.core.errors import PatchFailed, WrongTree
from switchover.core.git import git, head
from switchover.core.progress import Progress
from switchover.qemu import tree


@pytest.fixture
def toy(project: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A project whose QEMU is one file."""

    def unpack(target: Any) -> str:
        target.mkdir()
        (target / "block.c").write_text("one\ntwo\nthree\n")
        (target / ".gitignore").write_text("/build/\n*.o\n")
        return "a toy"

    monkeypatch.setattr("switchover.qemu.source.unpack", unpack)
    return project


def ensure(name: str) -> tree.Tree:
    return tree.ensure(name, Progress())


def text(name: str) -> str:
    return (paths.tree_dir(name) / "block.c").read_text()


@pytest.mark.usefixtures("toy")
def test_base_is_made_once_and_its_hash_is_always_the_same() -> None:
    directory = ensure("base").directory
    assert head(directory).startswith("a900fa4c2fc4")
    assert git(directory, "rev-parse", "base") == head(directory)
    made = (directory / "block.c").stat().st_mtime_ns
    ensure("base")
    assert (directory / "block.c").stat().st_mtime_ns == made


@pytest.mark.usefixtures("toy")
def test_an_interrupted_source_leaves_no_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(target: Any) -> None:
        target.mkdir()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("switchover.qemu.source.unpack", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ensure("base")
    assert not list(paths.tree_dir("base").parent.iterdir())
    assert ensure("base").directory.is_dir()


@pytest.mark.usefixtures("toy")
def test_an_edited_base_is_refused() -> None:
    ensure("base")
    (paths.tree_dir("base") / "block.c").write_text("edited\n")
    with pytest.raises(WrongTree, match=r"base was edited \(block.c\).*reset --hard"):
        ensure("base")


@pytest.mark.usefixtures("toy")
def test_a_base_with_a_commit_is_refused() -> None:
    ensure("base")
    commit(paths.tree_dir("base"), "block.c", "edited\n", "edit")
    with pytest.raises(WrongTree, match=r"base was edited \(HEAD\)"):
        ensure("base")


@pytest.mark.usefixtures("toy")
def test_a_base_from_another_source_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ensure("base")
    monkeypatch.setattr("switchover.qemu.source.VERSION", "1:11.0.0-1")
    with pytest.raises(WrongTree, match="rm -r build/tree"):
        ensure("base")


@pytest.mark.usefixtures("toy")
def test_an_empty_series_is_the_base() -> None:
    assert head(ensure("patched").directory) == head(paths.tree_dir("base"))


@pytest.mark.usefixtures("toy")
def test_patches_are_applied_in_their_order() -> None:
    write_series(b=patch("first", "two", "2"), a=patch("second", "2", "zwei"))
    patched = ensure("patched").directory
    assert text("patched") == "one\nzwei\nthree\n"
    assert git(patched, "log", "--format=%s %an", "base..series").splitlines() == [
        "second A Developer",
        "first A Developer",
    ]
    assert text("base") == "one\ntwo\nthree\n"


@pytest.mark.usefixtures("toy")
def test_hashes_depend_on_the_patches_alone() -> None:
    write_series(a=patch("first", "two", "2"))
    before = head(ensure("patched").directory)
    write_series()
    ensure("patched")
    write_series(a=patch("first", "two", "2"))
    patched = ensure("patched").directory
    assert head(patched) == before
    # Or else it would depend on whether this has been done within a second.
    made, written = git(patched, "log", "-1", "--format=%ct %at").split()
    assert made == written


@pytest.mark.parametrize("other", ["zwei", "3"])
@pytest.mark.usefixtures("toy")
def test_changed_patches_are_applied_anew(other: str) -> None:
    write_series(a=patch("first", "two", "2"))
    ensure("patched")
    write_series(a=patch("first", "two", other))
    assert not ensure("patched").has_local_work
    assert text("patched") == f"one\n{other}\nthree\n"


@pytest.mark.usefixtures("toy")
def test_a_tree_of_which_nothing_is_known_is_not_overwritten() -> None:
    write_series(a=patch("first", "two", "2"))
    patched = ensure("patched").directory
    patched.with_suffix(".json").unlink()
    write_series()
    assert ensure("patched").has_local_work
    assert text("patched") == "one\n2\nthree\n"


@pytest.mark.usefixtures("toy")
def test_a_patch_that_fails_leaves_nothing_half_applied() -> None:
    write_series(a=patch("first", "two", "2"))
    before = head(ensure("patched").directory)
    write_series(a=patch("first", "two", "zwei"), b=patch("bad", "two", "2"))
    with pytest.raises(PatchFailed, match=r"patches/b.patch does not apply .*block.c"):
        ensure("patched")
    assert head(paths.tree_dir("patched")) == before
    assert text("patched") == "one\n2\nthree\n"
    names = {path.name for path in paths.tree_dir("base").parent.iterdir()}
    assert names == {"base", "patched", "patched.json"}
    assert len(git(paths.tree_dir("base"), "worktree", "list").splitlines()) == 2


@pytest.mark.usefixtures("toy")
def test_a_patch_does_not_apply_with_fuzz() -> None:
    fuzzy = patch("fuzzy", "two", "2").replace("\n one\n", "\n ONE\n")
    write_series(a=fuzzy)
    with pytest.raises(PatchFailed, match=r"a\.patch"):
        ensure("patched")
    assert not paths.tree_dir("patched").exists()


@pytest.mark.usefixtures("toy")
def test_a_patch_that_is_not_there_is_named() -> None:
    (paths.PATCHES / "series").write_text("gone.patch\n")
    with pytest.raises(PatchFailed, match=r"names gone\.patch, which is not"):
        ensure("patched")


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.usefixtures("toy")
def test_local_work_is_not_overwritten(committed: bool) -> None:
    write_series(a=patch("first", "two", "2"))
    patched = ensure("patched").directory
    if committed:
        commit(patched, "block.c", "mine\n", "mine")
    else:
        (patched / "block.c").write_text("mine\n")
    write_series()
    assert ensure("patched").has_local_work
    assert text("patched") == "mine\n"


@pytest.mark.usefixtures("toy")
def test_what_a_build_leaves_is_no_local_work() -> None:
    patched = ensure("patched").directory
    (patched / "block.o").touch()
    assert not ensure("patched").has_local_work


@pytest.mark.usefixtures("toy")
def test_an_interrupted_move_is_finished_by_the_next_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_series(a=patch("first", "two", "2"))
    ensure("patched")
    write_series(a=patch("first", "two", "zwei"))

    def interrupted(directory: Any, verb: Any, *arguments: Any, **keywords: Any) -> Any:
        if verb == "checkout":
            (directory / "block.c").write_text("half\n")
            (directory / "new.c").write_text("half\n")
            raise KeyboardInterrupt
        return git(directory, verb, *arguments, **keywords)

    with monkeypatch.context() as patched:
        patched.setattr(tree, "git", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ensure("patched")
    assert not ensure("patched").has_local_work
    assert text("patched") == "one\nzwei\nthree\n"
    assert not (paths.tree_dir("patched") / "new.c").exists()


def test_git_never_walks_up_to_the_project(toy: Path) -> None:
    git(toy, "init", "--quiet")
    ensure("base")
    (paths.tree_dir("base") / ".git").rename(toy / "moved")
    with pytest.raises(CommandFailed, match="not a git repository"):
        git(paths.tree_dir("base"), "status")


def test_a_patched_tree_without_its_base_is_kept(toy: Path) -> None:
    ensure("patched")
    paths.tree_dir("base").rename(toy / "gone")
    with pytest.raises(WrongTree, match="base is gone"):
        ensure("patched")
    assert paths.tree_dir("patched").is_dir()
