# SPDX-License-Identifier: GPL-2.0-or-later
"""A switchover waits for mirrors that are READY."""

from story import Story


class CancelWhileWaiting(Story):
    """:avocado: recursive"""

    scenario = "cancel-while-waiting"


class DeadTargetWhileWaiting(Story):
    """:avocado: recursive"""

    scenario = "dead-target-while-waiting"


class DeadTarget(Story):
    """:avocado: recursive"""

    scenario = "dead-target"


class ForcedCancel(Story):
    """:avocado: recursive"""

    scenario = "forced-cancel"


class ForcedCancelServerGone(Story):
    """:avocado: recursive"""

    scenario = "forced-cancel-server-gone"
