# SPDX-License-Identifier: GPL-2.0-or-later
"""Which commit of QEMU's history brought a crash or lost data, or cured it.

All that is made lies below build/bisect/; see folders.py.
"""
