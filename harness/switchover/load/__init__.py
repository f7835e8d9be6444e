# SPDX-License-Identifier: GPL-2.0-or-later
"""The same guest, handed on a hundred times."""
