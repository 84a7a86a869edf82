# SPDX-License-Identifier: GPL-2.0-or-later
"""What the linker's map says of its pieces: strings that are merged into others have no bytes."""

import linkmap

MAP = """
Linker script and memory map

.text           0x00000000      0x130
 *(.text .text.*)
 .text.first    0x00000000       0x40 build/b/app/a.o
 *fill*         0x00000040       0x10 
 .rodata.first.str1.1
                0x00000050       0x30 build/b/app/a.o
                                 0x39 (size before relaxing)
 .rodata.all_merged.str1.1
                0x00000080      0xcbf build/b/app/b.o
                                  0x3 (size before relaxing)
 .rodata.second.str1.1
                0x00000080       0xb0 build/b/app/c.o

.comment        0x00000000       0x26
 .comment       0x00000000       0x26 build/b/app/a.o
"""


def test_merged_strings(tmp_path):
    path = tmp_path / "some.map"
    path.write_text(MAP)
    pieces = [(piece.section, piece.address, piece.size) for piece in linkmap.read(path, {".text"})]
    assert pieces == [
        (".text.first", 0, 0x40),
        ("", 0x40, 0x10),
        (".rodata.first.str1.1", 0x50, 0x30),
        (".rodata.second.str1.1", 0x80, 0xb0),
    ]
