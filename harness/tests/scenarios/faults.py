# SPDX-License-Identifier: GPL-2.0-or-later
"""The destination or its NBD server dies or stalls."""

from story import Story


class KilledDestination(Story):
    """:avocado: recursive"""

    scenario = "killed-destination"


class KilledDestinationInReady(Story):
    """:avocado: recursive"""

    scenario = "killed-destination-in-ready"


class KilledDestinationInReadyAgain(Story):
    """:avocado: recursive"""

    scenario = "killed-destination-in-ready-again"


class KilledDestinationInRelease(Story):
    """:avocado: recursive"""

    scenario = "killed-destination-in-release"


class KilledDestinationInHandover(Story):
    """:avocado: recursive"""

    scenario = "killed-destination-in-handover"


class StalledDestination(Story):
    """:avocado: recursive"""

    scenario = "stalled-destination"


class StalledDestinationInReady(Story):
    """:avocado: recursive"""

    scenario = "stalled-destination-in-ready"


class StalledDestinationInRelease(Story):
    """:avocado: recursive"""

    scenario = "stalled-destination-in-release"


class StalledDestinationWithRamLeft(Story):
    """:avocado: recursive"""

    scenario = "stalled-destination-with-ram-left"


class StalledDestinationInHandover(Story):
    """:avocado: recursive"""

    scenario = "stalled-destination-in-handover"


class DeadTargetInReady(Story):
    """:avocado: recursive"""

    scenario = "dead-target-in-ready"


class DeadTargetInHandover(Story):
    """:avocado: recursive"""

    scenario = "dead-target-in-handover"


class StalledTarget(Story):
    """:avocado: recursive"""

    scenario = "stalled-target"


class StalledTargetInRelease(Story):
    """:avocado: recursive"""

    scenario = "stalled-target-in-release"
