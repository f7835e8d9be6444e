# SPDX-License-Identifier: GPL-2.0-or-later
"""A stand-in for QEMU's check: a test is a shell script that ends it.

The script is given the image format, and $REPORT is what `check` prints of a test. It
writes its own .out.bad, if any, to the current folder.
"""

import os
import subprocess
import sys
from pathlib import Path

options = [word for word in sys.argv[1:] if word.startswith("-")]
words = [word for word in sys.argv[1:] if not word.startswith("-")]
image_format = next(word[1:] for word in options if word in ("-raw", "-qcow2"))
print('QEMU          -- "qemu" -nodefaults\n', flush=True)
if "--" in options:
    command = [sys.executable] if words[0].endswith(".py") else ["sh"]
    os.chdir(os.environ["TEST_DIR"])
    sys.exit(subprocess.run([*command, *words], check=False).returncode)
(source,) = (w.partition("=")[2] for w in options if w.startswith("--source-dir="))
folder = Path(os.environ["TEST_DIR"], f"{image_format}-file-{words[0]}")
folder.mkdir()
print(f"{words[0]}   ...        [07:02:45]              ...   ", end="\r", flush=True)
test = [str(Path(source, "tests", words[0])), image_format]
sys.exit(subprocess.run(["sh", *test], cwd=folder, check=False).returncode)
