# SPDX-License-Identifier: GPL-2.0-or-later
"""What happened in a run, drawn."""
