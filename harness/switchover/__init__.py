# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds QEMU, boots guests, mirrors disks, migrates, and judges what happened."""
