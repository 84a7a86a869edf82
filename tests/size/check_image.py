# SPDX-License-Identifier: GPL-2.0-or-later
"""What must not be in the image of a board: a heap, formatted input and output, an exit, errno, a
C library's own randomness or clock. Two looks at the linked ELF: no function or object has such a
name, wherever it came from; and of the C library nothing is there but a few plain functions.

    check_image.py build/BOARD/pingshot.elf...
"""

import os
import re
import sys

import elf
import linkmap

FORBIDDEN = re.compile(r"""_*(
    (malloc|calloc|realloc|reallocarray|free|memalign|posix_memalign|aligned_alloc|valloc|cfree)
        (_r|_usable_size|_trim)?
  | (sbrk|brk)(_r)?
  | [a-z_]*(printf|scanf)(_r)?
  | (f|fd|re)open|fclose|fflush|f?(read|write)|f?put[cs]|putchar|f?get[cs]|getchar|std(in|out|err)
  | errno(_location)?
  | (cxa_)?(at_quick_|at)?exit | quick_exit | abort | raise | signal | assert_(fail|func)
  | s?rand(om)?(_r)? | [dejlmn]rand48 | arc4random
  | (gm|local|mk)?time(_r)? | clock | gettimeofday
)""", re.VERBOSE)

# What is taken from the C library: it keeps no state and calls nothing.
LIBRARY = {
    "memchr", "memcmp", "memcpy", "memmove", "memset", "strchr", "strcmp", "strlen", "strncmp",
    "strncpy", "strrchr", "strstr",
}


def findings(path):
    """What is wrong with an image, a line each. Its map must lie beside it."""
    image = elf.Image(path)
    for symbol in image.symbols:
        if symbol.section != 0 and symbol.kind in (elf.STT_NOTYPE, elf.STT_FUNC, elf.STT_OBJECT):
            if FORBIDDEN.fullmatch(symbol.name):
                yield f"{path}: holds {symbol.name}"
        if symbol.kind == elf.STT_TLS:
            yield f"{path}: {symbol.name} is thread-local: there are no threads"
    pieces = linkmap.read(os.path.splitext(path)[0] + ".map",
                          {s.name for s in image.sections if s.flags & elf.SHF_ALLOC})
    origins = linkmap.Origins(pieces)
    for address, symbols in sorted(image.functions.items()):
        origin = origins.of(address) or ""
        names = {symbol.name for symbol in symbols}
        if "libc.a(" in origin and not names & LIBRARY:
            yield f"{path}: holds the C library's {symbols[0].name}"


def main():
    found = [line for path in sys.argv[1:] for line in findings(path)]
    for line in found:
        print(line)
    if found:
        sys.exit(1)
    for path in sys.argv[1:]:
        print(f"{path}: no heap, no printf, no exit")


if __name__ == "__main__":
    main()
