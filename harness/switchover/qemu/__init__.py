# SPDX-License-Identifier: GPL-2.0-or-later
"""From QEMU's source to its programs."""
