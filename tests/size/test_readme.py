# SPDX-License-Identifier: GPL-2.0-or-later
"""README.md's sizes are those of the images, within a fiftieth; and no stack was deeper than README.md
says that it can be, or that it was."""

import readme


def test_sizes():
    text = readme.README.read_text(encoding="utf-8")
    assert list(readme.wrong(readme.sizes(), readme.seen(), readme.said(text))) == []


def page(*lines):
    return readme.BEGIN + readme.HEAD + "".join(line + "\n" for line in lines) + readme.END


def test_the_check_can_fail():
    then = readme.said(page("| a | 1,000 | 200 | 150 |", "| b | 5 | 6 | not yet |"))
    assert then == {"a": [1000, 200, 150], "b": [5, 6, None]}
    assert list(readme.wrong({"a": [1010, 197], "b": [5, 6]}, {"a": 200}, then)) == []
    assert len(list(readme.wrong({"a": [1030, 190], "c": [1, 1]}, {}, then))) == 4
    assert len(list(readme.wrong({"a": [1000, 200], "b": [5, 6]}, {"a": 201, "b": 7}, then))) == 2
    assert len(list(readme.wrong({"a": [100, 20]}, {}, {"a": [100, 20, 21]}))) == 1
    assert list(readme.wrong({"a": [1, 4000]}, {"a": 3260}, {"a": [1, 4000, 3000]})) == []
    assert list(readme.wrong({"a": [1, 4000]}, {"a": 3261}, {"a": [1, 4000, 3000]})) == [
        "a: 3,261 bytes of stack were used, README.md says 3,000: make readme"]


def test_what_was_not_measured_anew_stays():
    then = {"a": [1, 90, 70], "b": [1, 90, 70], "c": [1, 90, 70]}
    now = {"a": [2, 80], "b": [2, 80], "c": [2, 60], "d": [2, 80]}
    anew, kept = readme.table(now, {"a": 75}, then)
    assert kept == ["b", "c", "d"]
    assert readme.said(readme.BEGIN + anew + readme.END) == {
        "a": [2, 80, 75], "b": [2, 80, 70], "c": [2, 60, None], "d": [2, 80, None]}
