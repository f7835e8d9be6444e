# SPDX-License-Identifier: GPL-2.0-or-later
"""Other ways to migrate."""

from story import Story


class Multifd(Story):
    """:avocado: recursive"""

    scenario = "multifd"


class Exec(Story):
    """:avocado: recursive"""

    scenario = "exec"


class File(Story):
    """:avocado: recursive"""

    scenario = "file"


class Postcopy(Story):
    """:avocado: recursive"""

    scenario = "postcopy"


class UnfinishedMirrorMultifd(Story):
    """:avocado: recursive"""

    scenario = "unfinished-mirror-multifd"


class UnfinishedMirrorPostcopy(Story):
    """:avocado: recursive"""

    scenario = "unfinished-mirror-postcopy"


class SnapshotSave(Story):
    """:avocado: recursive"""

    scenario = "snapshot-save"
