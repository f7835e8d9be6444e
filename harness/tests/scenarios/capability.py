# SPDX-License-Identifier: GPL-2.0-or-later
"""The capability for a pause, changed meanwhile."""

from story import Story


class CapabilityOn(Story):
    """:avocado: recursive"""

    scenario = "capability-on"


class CapabilityOff(Story):
    """:avocado: recursive"""

    scenario = "capability-off"
