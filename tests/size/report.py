# SPDX-License-Identifier: GPL-2.0-or-later
"""make size BOARD=...: flash and RAM of a board's image by component, its largest objects in RAM,
and its stack: reserved, bounded by stack_bound.py, and the deepest that runs of this build have left
painted (measured.py).

    report.py build/BOARD/pingshot.elf [--path]     --path: the calls that make up the bound
"""

import argparse
import collections
import os
import sys

import elf
import linkmap
import measured
import stack_bound

LARGEST = 12
FLASH_BARS = {"lm3s6965evb": 200 * 1024}  # bytes that an image of this board may have

Sizes = collections.namedtuple("Sizes", "flash ram components")


def measure(path):
    """Bytes of flash and RAM, in all and as {component: [flash, RAM]}. The stack is RAM."""
    image = elf.Image(path)
    build = os.path.dirname(path)
    sections = [s for s in image.sections if s.flags & elf.SHF_ALLOC and s.size]
    in_flash = {s.name for s in sections if s.kind != elf.SHT_NOBITS}
    in_ram = {s.name for s in sections if s.flags & elf.SHF_WRITE}
    components = collections.defaultdict(lambda: [0, 0])
    origins = linkmap.Components(image, build, os.getcwd())
    for piece in linkmap.read(os.path.splitext(path)[0] + ".map", {s.name for s in sections} - {".stack"}):
        shares = origins.of(piece) if piece.section else {"between them": piece.size}
        for name, size in shares.items():
            for column, outputs in enumerate((in_flash, in_ram)):
                components[name][column] += size if piece.output in outputs else 0
    totals = [sum(s.size for s in sections if s.name in names) for names in (in_flash, in_ram)]
    components["stack"][1] = sum(s.size for s in sections if s.name == ".stack")
    for column, total in enumerate(totals):  # strings that share their ends, alignment
        missing = total - sum(sizes[column] for sizes in components.values())
        if abs(missing) * 100 > total:
            sys.exit(f"{path}: the map leaves {missing} of {total} bytes unexplained")
        components["between them"][column] += missing
    return Sizes(*totals, dict(components))


def largest(path):
    """The largest objects in RAM, as (bytes, name, file)."""
    image = elf.Image(path)
    in_ram = {index for index, s in enumerate(image.sections) if s.flags & elf.SHF_WRITE}
    objects = [(s.size, s.name, s.file) for s in image.symbols
               if s.section in in_ram and s.kind in (elf.STT_OBJECT, elf.STT_NOTYPE)]
    return sorted(objects, reverse=True)[:LARGEST]


def show(path, with_path):
    sizes = measure(path)
    row = "{:<16}{:>10}{:>10}"
    print(row.format("bytes", "flash", "RAM"))
    for name, (flash, ram) in sorted(sizes.components.items(), key=lambda item: -sum(item[1])):
        print(row.format(name, f"{flash:,}", f"{ram:,}"))
    print(row.format("all", f"{sizes.flash:,}", f"{sizes.ram:,}"))
    print("\nlargest in RAM")
    for size, name, file in largest(path):
        print(f"{size:>10,}  {name}{' of ' + file if file else ''}")
    bound = stack_bound.Bound(path, os.path.dirname(path))
    used = measured.of(path).get("stack_bytes")
    print(f"\nstack: {bound.reserved:,} bytes reserved, at most {bound.total:,} can be used, "
          + (f"{used:,} were" if used else "no run of it yet: make e2e TARGET= or make bench BOARD="))
    if with_path:
        print("\n" + bound.explanation())
    for finding in bound.findings:
        print(f"stack: {finding}")


def main():
    arguments = argparse.ArgumentParser(description="Flash, RAM and stack of a board's image.")
    arguments.add_argument("elf", help="build/BOARD/pingshot.elf")
    arguments.add_argument("--path", action="store_true", help="the calls behind the stack's bound")
    options = arguments.parse_args()
    show(options.elf, options.path)


if __name__ == "__main__":
    main()
