# SPDX-License-Identifier: GPL-2.0-or-later
"""What everything else stands on."""
