# SPDX-License-Identifier: GPL-2.0-or-later
"""The images of the boards, built when they are not, or not up to date."""

import functools
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def boards():
    """The boards that there are, but for the template of one."""
    return sorted(path.parent.name for path in ROOT.glob("board/*/board.mk")
                  if path.parent.name != "template")


@functools.cache
def built(board, variant="", *settings):
    """The path of a board's image, after make has made it; with settings, of that variant."""
    command = ["make", "--no-print-directory", f"-j{os.cpu_count()}", f"BOARD={board}",
               f"VARIANT={variant}", *settings, "board"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return str(ROOT / "build" / board / variant / "pingshot.elf")
