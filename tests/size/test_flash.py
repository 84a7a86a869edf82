# SPDX-License-Identifier: GPL-2.0-or-later
"""An image takes no more flash than its board's bar."""

import os

import images
import report


def over_bar(board, flash):
    """What is wrong with so many bytes of flash on a board, or None."""
    bar = report.FLASH_BARS.get(board)
    return None if bar is None or flash <= bar else f"{board}: {flash:,} bytes of flash, bar {bar:,}"


def test_flash(board):
    path = os.path.relpath(images.built(board), images.ROOT)
    assert over_bar(board, report.measure(path).flash) is None


def test_the_check_can_fail():
    assert "lm3s6965evb" in images.boards()
    assert over_bar("lm3s6965evb", 204_800) is None
    assert over_bar("lm3s6965evb", 204_801) == "lm3s6965evb: 204,801 bytes of flash, bar 204,800"
