# SPDX-License-Identifier: GPL-2.0-or-later
"""From what was observed to a verdict."""
