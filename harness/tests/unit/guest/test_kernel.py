# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest: named by its content, packed in the order in which modules load."""

from __future__ import annotations

import lzma
import os
import subprocess
from pathlib import Path

import pytest

from switchover.core import paths
from switchover.guest import initramfs, kernel, record


def entries(archive: bytes) -> dict[str, tuple[int, bytes]]:
    """Mode and content by name; a reader that knows only the format."""
    found: dict[str, tuple[int, bytes]] = {}
    position = 0
    while True:
        header = archive[position : position + 110]
        assert header[:6] == b"070701"
        numbers = [int(header[i : i + 8], 16) for i in range(6, 110, 8)]
        start = position + 110
        name = archive[start : start + numbers[11] - 1].decode()
        content = (start + numbers[11] + 3) // 4 * 4
        if name == initramfs.END:
            return found
        found[name] = numbers[1], archive[content : content + numbers[6]]
        position = (content + numbers[6] + 3) // 4 * 4


def test_an_initramfs_holds_its_files_and_their_folders() -> None:
    found = entries(initramfs.pack({"init": b"start", "a/b/c": b"four"}))
    assert list(found) == ["a", "a/b", "a/b/c", "init"]
    assert found["a/b"] == (initramfs.DIRECTORY, b"")
    assert found["init"] == (initramfs.PROGRAM, b"start")


def test_an_initramfs_is_reproducible() -> None:
    one = initramfs.pack({"a": b"1", "b": b"2"})
    assert one == initramfs.pack({"b": b"2", "a": b"1"})


def test_the_key_changes_with_the_content(tmp_path: Path) -> None:
    file = tmp_path / "init"
    file.write_text("one")
    key = kernel.key("6.1", [file])
    assert key == kernel.key("6.1", [file])
    assert key != kernel.key("6.2", [file])
    file.write_text("two")
    assert key != kernel.key("6.1", [file])


def test_modules_sort_in_load_order_and_are_decompressed(tmp_path: Path) -> None:
    (tmp_path / "virtio.ko").write_bytes(b"plain")
    (tmp_path / "virtio_ring.ko.xz").write_bytes(lzma.compress(b"packed"))
    assert kernel.modules(tmp_path) == {
        "modules/0-virtio_ring.ko": b"packed",
        "modules/1-virtio.ko": b"plain",
    }


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("writer") / "writer"
    source = kernel.SOURCES / "writer.c"
    subprocess.run(["gcc", "-o", program, source], check=True)
    return program


def test_the_writer_writes_what_the_harness_reads(writer: Path) -> None:
    # Not in tmp_path: that may be a tmpfs, which has no O_DIRECT.
    image = paths.BUILD / f"writer-test-{os.getpid()}"
    image.write_bytes(bytes(record.REGION_BYTES))
    command = [str(writer), "3", str(image), "1000"]
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            said = "".join(process.stdout.readline() for _ in range(300))
            process.kill()
        found = record.read(image.read_bytes(), 3)
    finally:
        image.unlink()
    acknowledged = record.report(said).acknowledged[3]
    assert len(acknowledged) == record.SLOTS
    assert all(found[slot] >= sequence for slot, sequence in acknowledged.items())
