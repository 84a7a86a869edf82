# SPDX-License-Identifier: GPL-2.0-or-later
"""What the linker's map says: which object each piece of an image came from."""

import bisect
import collections
import re
import subprocess

import elf

# A piece of a section: its name ("" for the filling between pieces), address, size in bytes, and
# the object, as a path or LIBRARY(MEMBER).
Piece = collections.namedtuple("Piece", "section output address size object")

OUTPUT = re.compile(r"^(\.\S+)(?:\s+(0x[0-9a-f]+)\s+(0x[0-9a-f]+).*)?$")
INPUT = re.compile(r"^ (\*fill\*|[.\w]\S*)(?:\s+(0x[0-9a-f]+)\s+(0x[0-9a-f]+)(?: (\S.*)?)?)?$")
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
    return clipped(sorted(pieces, key=lambda piece: piece.address))


def clipped(pieces):
    """Those that have bytes of their own. Where all strings of a piece were merged into others the
    map still gives it a size, beyond where the next one begins."""
    ends = [piece.address for piece in pieces[1:]] + [1 << 32]
    pairs = [(piece, min(piece.size, end - piece.address)) for piece, end in zip(pieces, ends)]
    return [piece._replace(size=size) for piece, size in pairs if size]


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


# What the linker compiled itself, of all objects that were given to it for that.
LTO_OBJECT = re.compile(r"\.ltrans\d+\.ltrans\.o$")

# The first that an object's path, below its board's folder in build/, or its library, or a source's
# path matches.
COMPONENTS = [
    ("app", re.compile(r"app/")),
    ("board", re.compile(r"board/")),
    ("certificate", re.compile(r"(.*/)?tls/")),
    ("port", re.compile(r"(port/|[^/]*\.o$)")),
    ("lwIP", re.compile(r"(.*/)?lwip/")),
    ("wolfSSL", re.compile(r"(.*/)?wolfssl/")),
    ("libgcc", re.compile(r".*/libgcc\.a\(")),
    ("picolibc", re.compile(r".*/libc\.a\(")),
]


class Components:
    """Which component the bytes of a piece belong to. `build` is the folder of the board's objects,
    `root` that of the sources."""

    def __init__(self, image, build, root):
        self._image, self._build = image, build.rstrip("/") + "/"
        self._root = root.rstrip("/") + "/"
        self._symbols = None

    def of(self, piece):
        """{component: bytes} of a piece."""
        if piece.section == ".bss.app":
            return {"app": piece.size}  # all its state, which main.c owns
        if LTO_OBJECT.search(piece.object):
            return self._split(piece)
        return {self._named(piece.object.removeprefix(self._build), "other"): piece.size}

    def _named(self, path, otherwise):
        return next((name for name, pattern in COMPONENTS if pattern.match(path)), otherwise)

    def _split(self, piece):
        """Link-time optimisation makes few large pieces: their symbols tell the sources, by the
        debugger's information. What has no symbol is constants of functions."""
        if self._symbols is None:
            self._symbols = self._read_symbols()
        shares = collections.Counter()
        for address, (size, component) in self._symbols.items():
            if piece.address <= address < piece.address + piece.size:
                shares[component] += size
        shares["constants"] += piece.size - sum(shares.values())
        return shares

    def _read_symbols(self):
        """{address: (bytes, component)} of all functions and objects."""
        units, places = debug_places(self._image.path)
        starts = sorted(units)
        found = {}
        for symbol in self._image.symbols:
            address = symbol.address & ~1
            # without section anchors a variable has no kind; what has no size is no variable
            kinds = (elf.STT_FUNC, elf.STT_OBJECT, elf.STT_NOTYPE)
            if symbol.kind in kinds and symbol.size and address in places:
                unit = units[starts[bisect.bisect_right(starts, places[address]) - 1]]
                component = self._named(unit.removeprefix(self._root), "other")
                if symbol.name.startswith("app."):
                    component = "app"  # as above
                found[address] = symbol.size, component
        return found


DIE = re.compile(r" *<[0-9a-f]+><([0-9a-f]+)>: .*\((DW_TAG_\w+)\)")
ATTRIBUTE = re.compile(r" *<[0-9a-f]+> +(DW_AT_\w+) *: (.*)")


def debug_places(path):
    """From the debugger's information: ({where a compilation unit's begins: its source},
    {address of a function or variable: where what declares it stands})."""
    dump = subprocess.run(["arm-none-eabi-objdump", "--dwarf=info", "--dwarf-depth=4", path],
                          check=True, capture_output=True, text=True, errors="replace").stdout
    units, places = {}, {}
    here, tag, origin = 0, "", None
    for line in dump.splitlines():
        if match := DIE.match(line):
            here, tag, origin = int(match[1], 16), match[2], None
        elif match := ATTRIBUTE.match(line):
            name, value = match.groups()
            if tag == "DW_TAG_compile_unit" and name == "DW_AT_name":
                units[here] = value.split("): ")[-1].strip()
            elif name in ("DW_AT_abstract_origin", "DW_AT_specification"):
                origin = int(value.strip("<>"), 16)
            elif name == "DW_AT_low_pc" and tag == "DW_TAG_subprogram":
                places[int(value, 16) & ~1] = here if origin is None else origin
            elif name == "DW_AT_location" and (where := re.search(r"DW_OP_addr: ([0-9a-f]+)", value)):
                places[int(where[1], 16)] = here if origin is None else origin
    return units, places
