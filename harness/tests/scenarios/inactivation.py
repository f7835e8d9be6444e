# SPDX-License-Identifier: GPL-2.0-or-later
"""Inactivating a node while something writes to it."""

from story import Story


class SetActiveMirrorTarget(Story):
    """:avocado: recursive"""

    scenario = "set-active-mirror-target"
