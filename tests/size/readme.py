# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of sizes in README.md, between its two markers, from the images of the boards.

    readme.py        writes it anew: `make readme`

Its last column is what runs of the images have used of the stack (measured.py). Where no run has
measured the build that is there, the figure of the last one that was measured stays.
"""

import os
import re

import images
import measured
import report
import stack_bound

BEGIN, END = "<!-- sizes: make readme -->\n", "<!-- end of sizes -->\n"
HEAD = ("| bytes | flash | RAM | of it stack, reserved | stack, at most | stack, seen in tests |\n"
        "|---|---|---|---|---|---|\n")
UNSEEN = "not yet"
README = images.ROOT / "README.md"
APART_MAX = 0.02
INTERRUPT_BYTES = 200  # of stack, at most: in one run one comes at the deepest moment, in another none


def sizes():
    """{board: its figures but for the last}, as they are now. An image from link-time optimisation
    has its compiler's files beside it, so paths are as make gave them."""
    os.chdir(images.ROOT)
    found = {}
    for board in images.boards():
        path = os.path.relpath(images.built(board), images.ROOT)
        size = report.measure(path)
        bound = stack_bound.Bound(path, os.path.dirname(path))
        found[board] = [size.flash, size.ram, bound.reserved, bound.total]
    return found


def seen():
    """{board: the most of the stack that runs of the build that is there have used}"""
    found = {board: measured.of(images.built(board)).get("stack_bytes") for board in images.boards()}
    return {board: used for board, used in found.items() if used}


def said(text):
    """{board: figures} that the README gives; the last is None where it was not seen."""
    table = text[text.index(BEGIN):text.index(END)]
    lines = re.findall(rf"^\| (\S+) \|((?: [\d,]+ \|)+)( {UNSEEN} \|)?$", table, re.MULTILINE)
    return {board: [int(word.replace(",", "")) for word in figures.strip("| ").split(" | ")]
            + ([None] if unseen else []) for board, figures, unseen in lines}


def wrong(now, used, then):
    """What is wrong with the README's figures `then`, a line each: sizes that differ from those of
    now by more than a fiftieth, and a stack that was deeper than it can be, or than it was seen."""
    for board in sorted(now.keys() | then.keys()):
        if board not in now or board not in then:
            yield f"{board}: README.md {'lacks it' if board in now else 'has it, board/ does not'}"
            continue
        for figure, old in zip(now[board], then[board]):
            if abs(figure - old) > APART_MAX * figure:
                yield f"{board}: README.md says {old:,}, it is {figure:,}: make readme"
        *_, bound, last = then[board]
        for depth in (last, used.get(board)):
            if depth is not None and depth > bound:
                yield f"{board}: {depth:,} bytes of stack were used, README.md says at most {bound:,}"
        if last is not None and used.get(board, 0) > last * (1 + APART_MAX) + INTERRUPT_BYTES:
            yield f"{board}: {used[board]:,} bytes of stack were used, README.md says {last:,}: make readme"


def table(now, used, then):
    """The table anew, and of which boards it keeps an old last figure."""
    lines, kept = [HEAD], []
    for board, figures in now.items():
        last = used.get(board)
        if last is None:
            kept.append(board)
            last = then[board][-1] if board in then else None
            last = None if last is None or last > figures[-1] else last
        shown = [f"{n:,}" for n in figures] + [UNSEEN if last is None else f"{last:,}"]
        lines.append(f"| {board} | {' | '.join(shown)} |\n")
    return "".join(lines), kept


def main():
    text = README.read_text(encoding="utf-8")
    anew, kept = table(sizes(), seen(), said(text))
    README.write_text(text[:text.index(BEGIN)] + BEGIN + anew + text[text.index(END):],
                      encoding="utf-8")
    for board in kept:
        print(f"{board}: no run has measured the stack of this build, its figure stays:"
              f" make e2e TARGET={board}, then make readme")


if __name__ == "__main__":
    main()
