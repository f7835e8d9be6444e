# SPDX-License-Identifier: GPL-2.0-or-later
"""What can be asked for in the pause."""

from story import Story


class RefusedInReady(Story):
    """:avocado: recursive"""

    scenario = "refused-in-ready"


class RefusedInReadyCancel(Story):
    """:avocado: recursive"""

    scenario = "refused-in-ready-cancel"


class SnapshotInReady(Story):
    """:avocado: recursive"""

    scenario = "snapshot-in-ready"


class StopInReady(Story):
    """:avocado: recursive"""

    scenario = "stop-in-ready"


class PowerdownInReady(Story):
    """:avocado: recursive"""

    scenario = "powerdown-in-ready"


class ResetInReady(Story):
    """:avocado: recursive"""

    scenario = "reset-in-ready"


class ResetInReadyCancel(Story):
    """:avocado: recursive"""

    scenario = "reset-in-ready-cancel"


class PostcopyInReady(Story):
    """:avocado: recursive"""

    scenario = "postcopy-in-ready"


class MirrorAnewInReady(Story):
    """:avocado: recursive"""

    scenario = "mirror-anew-in-ready"


class ServerAnewInReady(Story):
    """:avocado: recursive"""

    scenario = "server-anew-in-ready"


class QuitInReady(Story):
    """:avocado: recursive"""

    scenario = "quit-in-ready"
