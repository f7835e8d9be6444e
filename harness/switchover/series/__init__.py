# SPDX-License-Identifier: GPL-2.0-or-later
"""What is asked of the patches before they are mails."""
