# SPDX-License-Identifier: GPL-2.0-or-later
"""What has to hold of a build, or of the harness itself, beyond the stories."""
