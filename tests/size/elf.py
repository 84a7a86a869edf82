# SPDX-License-Identifier: GPL-2.0-or-later
"""A linked image of a board: its sections, symbols and bytes, as 32-bit little-endian ELF has them
(System V ABI; ELF for the Arm Architecture, 5.5.5 for mapping symbols)."""

import bisect
import collections
import struct
import sys

Section = collections.namedtuple("Section", "name kind flags address offset size")
Symbol = collections.namedtuple("Symbol", "name address size kind bind section file")

SHT_PROGBITS, SHT_SYMTAB, SHT_NOBITS, SHT_REL = 1, 2, 8, 9
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_TLS = 1, 2, 4, 0x400
STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_SECTION, STT_FILE, STT_TLS = 0, 1, 2, 3, 4, 6
R_ARM_ABS32, R_ARM_TARGET1, R_ARM_THM_MOVW_ABS_NC, R_ARM_THM_MOVT_ABS = 2, 38, 47, 48


class Image:
    """Addresses of functions come without Thumb's bit 0."""

    def __init__(self, path):
        self.path = str(path)
        with open(path, "rb") as file:
            self.bytes = file.read()
        if self.bytes[:6] != b"\x7fELF\x01\x01":
            sys.exit(f"{path}: not a 32-bit little-endian ELF file")
        self.sections = self._read_sections()
        self.symbols = self._read_symbols()
        self.functions = self._read_functions()
        self._starts = sorted(self.functions)
        self._mapping = sorted((s.address, s.name[1]) for s in self.symbols
                               if s.name[:2] in ("$t", "$d") and s.name[2:3] in ("", "."))

    def _read_sections(self):
        offset, size, count, names = (
            *struct.unpack_from("<I", self.bytes, 0x20), *struct.unpack_from("<3H", self.bytes, 0x2e))
        raw = [struct.unpack_from("<6I", self.bytes, offset + i * size) for i in range(count)]
        table = raw[names][4]
        return [Section(self._string(table + name), kind, flags, address, where, length)
                for name, kind, flags, address, where, length in raw]

    def _string(self, offset):
        return self.bytes[offset:self.bytes.index(b"\0", offset)].decode()

    def _read_symbols(self):
        symbols, file = [], ""
        table = next((i for i, s in enumerate(self.sections) if s.kind == SHT_SYMTAB), None)
        if table is None:
            sys.exit(f"{self.path}: has no symbols")
        header = self.sections[table]
        strings = self.sections[self._link(table)].offset
        for at in range(header.offset, header.offset + header.size, 16):
            name, value, size, info, _, section = struct.unpack_from("<3IBBH", self.bytes, at)
            kind, bind = info & 15, info >> 4
            name = self._string(strings + name)
            if kind == STT_FILE:
                file = name
            symbols.append(Symbol(name, value, size, kind, bind, section, file if bind == 0 else ""))
        return symbols

    def _link(self, index, field=24):
        """sh_link of a section, or another word of its header (28: sh_info)."""
        table, size = *struct.unpack_from("<I", self.bytes, 0x20), *struct.unpack_from("<H", self.bytes, 0x2e)
        return struct.unpack_from("<I", self.bytes, table + index * size + field)[0]

    def _read_functions(self):
        """The names at each function's address, those that other files see first."""
        functions = collections.defaultdict(list)
        for symbol in sorted(self.symbols, key=lambda s: (s.bind == 0, s.name)):
            if symbol.kind == STT_FUNC and symbol.section != 0:
                functions[symbol.address & ~1].append(symbol)
        return dict(functions)

    def function_at(self, address):
        """The function that an address lies in, as (start, name), or None."""
        index = bisect.bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        start = self._starts[index]
        return start, self.functions[start][0].name

    def address_of(self, name):
        """Of a function or object."""
        for symbol in self.symbols:
            if symbol.name == name and symbol.section != 0:
                return symbol.address & ~1 if symbol.kind == STT_FUNC else symbol.address
        sys.exit(f"{self.path}: has no symbol {name}")

    def is_code(self, address):
        """Says by the mapping symbols whether an address of a section with code is code."""
        index = bisect.bisect_right(self._mapping, (address, "~")) - 1
        return index >= 0 and self._mapping[index][1] == "t"

    def end_of_data(self, address):
        """Where the data around an address, between code, ends."""
        index = bisect.bisect_right(self._mapping, (address, "~"))
        return self._mapping[index][0] if index < len(self._mapping) else address

    def loaded(self):
        """The sections whose bytes are in the image."""
        return [s for s in self.sections if s.kind != SHT_NOBITS and s.flags & SHF_ALLOC and s.size]

    def read(self, address, size):
        for section in self.loaded():
            if section.address <= address and address + size <= section.address + section.size:
                at = section.offset + address - section.address
                return self.bytes[at:at + size]
        return None

    def pointers(self):
        """Addresses of the functions whose address some word of the image holds. From the
        relocations that the linker was told to keep (--emit-relocs)."""
        taken, any_kept = set(), False
        for index, section in enumerate(self.sections):
            target = self.sections[self._link(index, 28)] if section.kind == SHT_REL else None
            if target is None or not target.flags & SHF_ALLOC:
                continue
            any_kept = True
            for at in range(section.offset, section.offset + section.size, 8):
                where, info = struct.unpack_from("<2I", self.bytes, at)
                kind = info & 0xff
                if kind in (R_ARM_THM_MOVW_ABS_NC, R_ARM_THM_MOVT_ABS):
                    name = self.symbols[info >> 8].name
                    if self.symbols[info >> 8].kind in (STT_FUNC, STT_SECTION):
                        sys.exit(f"{self.path}: {name} by movw and movt: not known here yet")
                elif kind in (R_ARM_ABS32, R_ARM_TARGET1):
                    value = struct.unpack("<I", self.read(where, 4))[0]
                    if value & 1 and value - 1 in self.functions:
                        taken.add(value - 1)
        if not any_kept:
            sys.exit(f"{self.path}: was linked without --emit-relocs")
        return taken
