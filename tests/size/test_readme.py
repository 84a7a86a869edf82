# SPDX-License-Identifier: GPL-2.0-or-later
"""README.md's sizes are those of the images, within a fiftieth."""

import readme


def test_sizes():
    text = readme.README.read_text(encoding="utf-8")
    assert list(readme.apart(readme.rows(), readme.said(text))) == []


def test_the_check_can_fail():
    text = readme.BEGIN + readme.HEAD + "| a | 1,000 | 200 |\n| b | 5 | 6 |\n" + readme.END
    then = readme.said(text)
    assert then == {"a": [1000, 200], "b": [5, 6]}
    assert list(readme.apart({"a": [1010, 197]}, {"a": then["a"]})) == []
    assert len(list(readme.apart({"a": [1030, 190], "c": [1, 1]}, then))) == 4
