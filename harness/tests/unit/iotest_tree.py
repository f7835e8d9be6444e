# SPDX-License-Identifier: GPL-2.0-or-later
"""Source trees with a stand-in for QEMU's check, and tests for it."""

from __future__ import annotations

import shutil
from pathlib import Path

from switchover.core import paths
from switchover.qemu.build import Build
from switchover.suites import iotests_folder
from switchover.suites.iotest_check import Check

LINE = "  [07:02:45] [07:02:49] "
PASS = f"echo 't   pass    {LINE} 4.1s   (last: 3.9s)  '"
NOT_RUN = f"echo 't  not run {LINE} ... not suitable for this image format: '$1; exit"
UNSUITED_RAW = f"if [ $1 = raw ]; then {NOT_RUN}; fi"
FAIL = f"""\
echo said > t.out.bad
cat <<'END'
t   fail    {LINE} 0.4s     output mismatch (see /x/t.out.bad)
--- /source/t.out
+++ /scratch/t.out.bad
@@ -1,3 +1,3 @@
 one
-two
+2
Failures: t
END
exit 1
"""


def write_test(path: Path, script: str) -> Path:
    """A test and its reference output."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    Path(f"{path}.out").touch()
    return path


def make(build: str = "base", **tests: str) -> Path:
    """A tree with these tests in tests/; returns its tests/qemu-iotests."""
    folder = paths.tree_dir(build) / iotests_folder.IN_TREE
    (folder / "tests").mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("fake_check.py"), folder / "check")
    for name, script in tests.items():
        write_test(folder / "tests" / name, script)
    return folder


def check(build: str = "base", image_format: str = "qcow2") -> Check:
    """What runs the tests of a tree that was made before."""
    made = Build(build, paths.build_dir(build))
    return Check(made, iotests_folder.make(build), image_format)
