# SPDX-License-Identifier: GPL-2.0-or-later
"""Storage counts in convergence."""

from story import Story


class SlowLink(Story):
    """:avocado: recursive"""

    scenario = "slow-link"


class SlowLink4(Story):
    """:avocado: recursive"""

    scenario = "slow-link-4"


class SlowLinkCancel(Story):
    """:avocado: recursive"""

    scenario = "slow-link-cancel"


class AutoConverge(Story):
    """:avocado: recursive"""

    scenario = "auto-converge"


class AutoConvergeCancel(Story):
    """:avocado: recursive"""

    scenario = "auto-converge-cancel"
