# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands in the way in `ready`."""

from story import Story


class PauseAtComplete(Story):
    """:avocado: recursive"""

    scenario = "pause-at-complete"


class PauseAtComplete4(Story):
    """:avocado: recursive"""

    scenario = "pause-at-complete-4"


class NewMirrorInReady(Story):
    """:avocado: recursive"""

    scenario = "new-mirror-in-ready"


class NewBackupInReady(Story):
    """:avocado: recursive"""

    scenario = "new-backup-in-ready"


class PausedMirrorInReady(Story):
    """:avocado: recursive"""

    scenario = "paused-mirror-in-ready"
