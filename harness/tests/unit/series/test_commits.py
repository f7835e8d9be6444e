# SPDX-License-Identifier: GPL-2.0-or-later
"""Which lines a diff changes."""

from __future__ import annotations

from switchover.series import commits

DIFF = """\
diff --git a/block.c b/block.c
--- a/block.c
+++ b/block.c
@@ -1 +1,2 @@ int f(void)
-one
+two
+three
@@ -7,0 +9 @@
+four
diff --git a/gone.c b/gone.c
--- a/gone.c
+++ /dev/null
@@ -1 +0,0 @@
-x
"""


def test_lines_that_a_diff_adds() -> None:
    assert commits.changed_lines(DIFF) == {"block.c": {1, 2, 9}}


def test_a_hunk_that_only_removes_can_count_as_a_line() -> None:
    removed = "+++ b/block.c\n@@ -3,2 +2,0 @@\n-one\n-two\n"
    assert commits.changed_lines(removed) == {}
    assert commits.changed_lines(removed, least=1) == {"block.c": {2}}
