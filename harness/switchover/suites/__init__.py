# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's own test suites, and our iotests in them."""
