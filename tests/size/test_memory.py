# SPDX-License-Identifier: GPL-2.0-or-later
"""port/cortex-m/memory.S, run on an emulated Cortex-M3 against plain loops: memory_check.c."""

import pathlib
import subprocess

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
CPU = ["-mcpu=cortex-m3", "-mthumb"]

LINK = """ENTRY(start)
SECTIONS {
    .text 0 : { KEEP(*(.vectors)) *(.text .text.*) *(.rodata .rodata.*) }
    .bss 0x20000000 : { *(.data .data.*) *(.bss .bss.*) }
}
"""


def run_check(folder, assembly):
    """Links the check with that assembly and returns the status that it ends with in QEMU."""
    (folder / "link.ld").write_text(LINK)
    gcc = ["arm-none-eabi-gcc", *CPU]
    for command in (
            [*gcc, "--specs=picolibc.specs", "-std=c11", "-O1", "-fno-builtin", "-Wall", "-Wextra",
             "-Werror", "-c", "-o", folder / "check.o", HERE / "memory_check.c"],
            [*gcc, "-c", "-o", folder / "memory.o", assembly],
            ["arm-none-eabi-ld", "-T", folder / "link.ld", "-o", folder / "check.elf",
             folder / "check.o", folder / "memory.o"]):
        subprocess.run(command, check=True)
    return subprocess.run(
        ["qemu-system-arm", "-M", "mps2-an385", "-nodefaults", "-display", "none",
         "-semihosting-config", "enable=on,target=native", "-kernel", folder / "check.elf"],
        timeout=120, check=False).returncode


def test_memory_functions(tmp_path):
    assert run_check(tmp_path, ROOT / "port/cortex-m/memory.S") == 0


def test_the_check_can_fail(tmp_path):
    """Each of the functions broken once, in a place that only some lengths or values come to."""
    source = (ROOT / "port/cortex-m/memory.S").read_text()
    for right, wrong, status in (
            ("strh    r3, [ip], #2", "strh    r3, [ip], #1", 2),
            ("strh    r1, [ip], #2", "strh    r1, [ip], #1", 4),
            ("lsls    r3, r2, #29", "lsls    r3, r2, #30", 6),
            ("ip, lsr #3", "ip, lsr #4", 7),
            ("rev     r3, r3", "rev16   r3, r3", 8),
            ("one */\n    adc     r3, #0", "one */", 9),
            ("strh    r5, [r0], #2", "strh    r5, [r0], #1", 10),
            ("lsls    r3, #24", "lsls    r3, #16", 9),
            ("r1, r3, lsr #3", "r1, r3, lsr #4", 11)):
        assert source.count(right) == 1
        (tmp_path / "broken.S").write_text(source.replace(right, wrong))
        assert run_check(tmp_path, tmp_path / "broken.S") == status
