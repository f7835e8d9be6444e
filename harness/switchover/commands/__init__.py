# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands: one module per script, of the same name."""
