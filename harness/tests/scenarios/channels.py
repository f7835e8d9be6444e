# SPDX-License-Identifier: GPL-2.0-or-later
"""The pause on other ways to migrate."""

from story import Story


class ReleaseMultifd(Story):
    """:avocado: recursive"""

    scenario = "release-multifd"


class ReleaseExec(Story):
    """:avocado: recursive"""

    scenario = "release-exec"


class ReleaseTcp(Story):
    """:avocado: recursive"""

    scenario = "release-tcp"


class ReleaseFd(Story):
    """:avocado: recursive"""

    scenario = "release-fd"


class ReleaseFile(Story):
    """:avocado: recursive"""

    scenario = "release-file"


class ReleaseTls(Story):
    """:avocado: recursive"""

    scenario = "release-tls"


class ReleaseTlsMultifd(Story):
    """:avocado: recursive"""

    scenario = "release-tls-multifd"


class ReleasePostcopy(Story):
    """:avocado: recursive"""

    scenario = "release-postcopy"
