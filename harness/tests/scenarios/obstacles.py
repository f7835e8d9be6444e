# SPDX-License-Identifier: GPL-2.0-or-later
"""What a migration can't wait for."""

from story import Story


class PausedMirror(Story):
    """:avocado: recursive"""

    scenario = "paused-mirror"


class Backup(Story):
    """:avocado: recursive"""

    scenario = "backup"


class WritableExport(Story):
    """:avocado: recursive"""

    scenario = "writable-export"


class PausedGuest(Story):
    """:avocado: recursive"""

    scenario = "paused-guest"
