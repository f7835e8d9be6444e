# SPDX-License-Identifier: GPL-2.0-or-later
"""The guests, and what they leave on their disks."""
