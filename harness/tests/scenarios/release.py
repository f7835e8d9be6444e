# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU itself sees to what may still write."""

from story import Story


class Release(Story):
    """:avocado: recursive"""

    scenario = "release"


class Release4(Story):
    """:avocado: recursive"""

    scenario = "release-4"


class Release16(Story):
    """:avocado: recursive"""

    scenario = "release-16"


class ReleaseCancel(Story):
    """:avocado: recursive"""

    scenario = "release-cancel"


class ReleaseServerGone(Story):
    """:avocado: recursive"""

    scenario = "release-server-gone"


class ReleaseBackup(Story):
    """:avocado: recursive"""

    scenario = "release-backup"


class ReleaseExport(Story):
    """:avocado: recursive"""

    scenario = "release-export"


class ReleaseExport4(Story):
    """:avocado: recursive"""

    scenario = "release-export-4"


class ExportInReady(Story):
    """:avocado: recursive"""

    scenario = "export-in-ready"
