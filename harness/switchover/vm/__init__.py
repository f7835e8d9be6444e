# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU processes, and what is said to them."""
