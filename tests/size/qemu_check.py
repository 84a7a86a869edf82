# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a check in C on an emulated Cortex-M3, with the assembly that it is of: see qemu_check.h."""

import pathlib
import subprocess

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent

LINK = """ENTRY(start)
SECTIONS {
    .text 0 : { KEEP(*(.vectors)) *(.text .text.*) *(.rodata .rodata.*) }
    .bss 0x20000000 : { *(.data .data.*) *(.bss .bss.*) }
}
"""


def run_check(folder, check, assembly, *flags):
    """Builds `check` with those flags, links it with that assembly and nothing else, and returns the
    status that it ends with in QEMU."""
    (folder / "link.ld").write_text(LINK)
    gcc = ["arm-none-eabi-gcc", "-mcpu=cortex-m3", "-mthumb"]
    objects = [folder / "check.o"]
    subprocess.run([*gcc, "--specs=picolibc.specs", "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror",
                    *flags, "-iquote", HERE, "-c", "-o", objects[0], check], check=True)
    for source in assembly:
        objects.append(folder / (source.stem + ".o"))
        subprocess.run([*gcc, "-iquote", ROOT / "port/cortex-m", "-c", "-o", objects[-1], source],
                       check=True)
    subprocess.run(["arm-none-eabi-ld", "-T", folder / "link.ld", "-o", folder / "check.elf",
                    *objects], check=True)
    return subprocess.run(
        ["qemu-system-arm", "-M", "mps2-an385", "-nodefaults", "-display", "none",
         "-semihosting-config", "enable=on,target=native", "-kernel", folder / "check.elf"],
        timeout=120, check=False).returncode


def each_fails(source, run, broken):
    """Breaks the text of a source in one place at a time, (right, wrong): `run`, which is given what that
    makes of it, must return the status that stands behind these."""
    for right, wrong, status in broken:
        assert source.count(right) == 1, right
        assert run(source.replace(right, wrong)) == status, (right, wrong)
