# SPDX-License-Identifier: GPL-2.0-or-later
"""Sequences of QMP commands and faults: made up, played, judged, kept, played again."""
