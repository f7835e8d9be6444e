# SPDX-License-Identifier: GPL-2.0-or-later
"""A migration that ends while a mirror is unfinished."""

from story import Story


class UnfinishedMirror(Story):
    """:avocado: recursive"""

    scenario = "unfinished-mirror"


class UnfinishedMirror4(Story):
    """:avocado: recursive"""

    scenario = "unfinished-mirror-4"


class UnfinishedMirrorPauseBeforeSwitchover(Story):
    """:avocado: recursive"""

    scenario = "unfinished-mirror-pause-before-switchover"
