# SPDX-License-Identifier: GPL-2.0-or-later
"""What the linker's map says: which object each piece of an image came from."""

import bisect
import collections
import re

# A piece of a section: its name ("" for the filling between pieces), address, size in bytes, and
# the object, as a path or LIBRARY(MEMBER).
Piece = collections.namedtuple("Piece", "section output address size object")

OUTPUT = re.compile(r"^(\.\S+)(?:\s+(0x[0-9a-f]+)\s+(0x[0-9a-f]+).*)?$")
INPUT = re.compile(r"^ (\*fill\*|[.\w]\S*)(?:\s+(0x[0-9a-f]+)\s+(0x[0-9a-f]+)(?: (\S.*))?)?$")
CONTINUED = re.compile(r"^ {16}(0x[0-9a-f]+)\s+(0x[0-9a-f]+)(?: (\S.*))?$")


def read(path, outputs):
    """The pieces of the named output sections, by address."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    lines = text[text.index("\nLinker script and memory map"):].splitlines()
    pieces, output, name = [], "", None
    for line in lines:
        match = CONTINUED.match(line)
        if match and name:
            address, size, origin = match.groups()
        elif match := INPUT.match(line):
            name, address, size, origin = match.groups()
            if address is None:
                continue  # a long name: the rest is on the next line
        else:
            if match := OUTPUT.match(line):
                output = match.group(1)
            name = None
            continue
        if output in outputs and int(size, 16) and (origin or name == "*fill*"):
            section = "" if name == "*fill*" else name
            pieces.append(Piece(section, output, int(address, 16), int(size, 16), origin or ""))
        name = None
    return sorted(pieces, key=lambda piece: piece.address)


class Origins:
    """Which object an address of the image came from."""

    def __init__(self, pieces):
        self._pieces = [piece for piece in pieces if piece.section]
        self._starts = [piece.address for piece in self._pieces]

    def of(self, address):
        index = bisect.bisect_right(self._starts, address) - 1
        if index >= 0 and address < self._starts[index] + self._pieces[index].size:
            return self._pieces[index].object
        return None


# The first that an object's path, below its board's folder in build/, or its library matches.
COMPONENTS = [
    ("app", re.compile(r"app/")),
    ("board", re.compile(r"board/")),
    ("port", re.compile(r"(port/|[^/]*\.o$)")),
    ("lwIP", re.compile(r"lwip/")),
    ("wolfSSL", re.compile(r"wolfssl/")),
    ("libgcc", re.compile(r".*/libgcc\.a\(")),
    ("picolibc", re.compile(r".*/libc\.a\(")),
]


def component(piece, build):
    """The component that a piece belongs to; `build` is the folder of the board's objects."""
    inside = piece.object.removeprefix(build.rstrip("/") + "/")
    if piece.section == ".bss.app":
        return "app"  # all its state, which main.c owns
    for name, pattern in COMPONENTS:
        if pattern.match(inside):
            return name
    return "other"
