# SPDX-License-Identifier: GPL-2.0-or-later
"""What management tools do."""

from story import Story


class Libvirt(Story):
    """:avocado: recursive"""

    scenario = "libvirt"


class LibvirtWithoutPause(Story):
    """:avocado: recursive"""

    scenario = "libvirt-without-pause"


class Proxmox(Story):
    """:avocado: recursive"""

    scenario = "proxmox"


class ProxmoxServerGone(Story):
    """:avocado: recursive"""

    scenario = "proxmox-server-gone"


class Incus(Story):
    """:avocado: recursive"""

    scenario = "incus"


class Lxd(Story):
    """:avocado: recursive"""

    scenario = "lxd"


class LxdBehind(Story):
    """:avocado: recursive"""

    scenario = "lxd-behind"
