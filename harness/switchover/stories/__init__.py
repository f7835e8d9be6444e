# SPDX-License-Identifier: GPL-2.0-or-later
"""What a scenario is told with, and the runner that has it judged."""
