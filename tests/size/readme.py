# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of sizes in README.md, between its two markers, from the images of the boards.

    readme.py        writes it anew: `make readme`
"""

import os
import re

import images
import report
import stack_bound

BEGIN, END = "<!-- sizes: make readme -->\n", "<!-- end of sizes -->\n"
HEAD = ("| bytes | flash | RAM | of it stack, reserved | stack, at most |\n"
        "|---|---|---|---|---|\n")
README = images.ROOT / "README.md"
APART_MAX = 0.02


def rows():
    """{board: its figures}, as they are now. An image from link-time optimisation has its
    compiler's files beside it, so paths are as make gave them."""
    os.chdir(images.ROOT)
    found = {}
    for board in images.boards():
        path = os.path.relpath(images.built(board), images.ROOT)
        sizes = report.measure(path)
        bound = stack_bound.Bound(path, os.path.dirname(path))
        found[board] = [sizes.flash, sizes.ram, bound.reserved, bound.total]
    return found


def said(text):
    """{board: figures} that the README gives."""
    table = text[text.index(BEGIN):text.index(END)]
    lines = re.findall(r"^\| (\S+) \|((?: [\d,]+ \|)+)$", table, re.MULTILINE)
    return {board: [int(word.replace(",", "")) for word in figures.strip("| ").split(" | ")]
            for board, figures in lines}


def apart(now, then):
    """What differs by more than a fiftieth, a line each."""
    for board in sorted(now.keys() | then.keys()):
        if board not in now or board not in then:
            yield f"{board}: README.md {'lacks it' if board in now else 'has it, board/ does not'}"
            continue
        for figure, old in zip(now[board], then[board]):
            if abs(figure - old) > APART_MAX * figure:
                yield f"{board}: README.md says {old:,}, it is {figure:,}: make readme"


def main():
    text = README.read_text(encoding="utf-8")
    table = HEAD + "".join(f"| {board} | " + " | ".join(f"{n:,}" for n in figures) + " |\n"
                           for board, figures in rows().items())
    README.write_text(text[:text.index(BEGIN)] + BEGIN + table + text[text.index(END):],
                      encoding="utf-8")


if __name__ == "__main__":
    main()
