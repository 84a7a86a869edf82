# SPDX-License-Identifier: GPL-2.0-or-later
"""The assembly of port/cortex-m, run on an emulated Cortex-M3: memory.S against plain loops
(memory_check.c), small/division.S against what division is (division_check.c)."""

import qemu_check
from qemu_check import HERE, ROOT


def run_check(folder, check, assembly):
    return qemu_check.run_check(folder, HERE / check, [assembly], "-fno-builtin")


def each_fails(folder, check, assembly, broken):
    """Breaks the assembly in one place at a time: the check must end with the status given."""

    def run(source):
        (folder / "broken.S").write_text(source)
        return run_check(folder, check, folder / "broken.S")

    qemu_check.each_fails((ROOT / assembly).read_text(), run, broken)


def test_memory_functions(tmp_path):
    assert run_check(tmp_path, "memory_check.c", ROOT / "port/cortex-m/memory.S") == 0


def test_the_check_of_memory_can_fail(tmp_path):
    """Each of the functions broken once, in a place that only some lengths or values come to."""
    each_fails(tmp_path, "memory_check.c", "port/cortex-m/memory.S", (
        ("strh    r3, [ip], #2", "strh    r3, [ip], #1", 2),
        ("strh    r1, [ip], #2", "strh    r1, [ip], #1", 4),
        ("lsls    r3, r2, #29", "lsls    r3, r2, #30", 6),
        ("ip, lsr #3", "ip, lsr #4", 7),
        ("rev     r3, r3", "rev16   r3, r3", 8),
        ("one */\n    adc     r3, #0", "one */", 9),
        ("strh    r5, [r0], #2", "strh    r5, [r0], #1", 10),
        ("ldmia   r1!, {r3-r6}", "ldmia   r1!, {r2-r5}", 2),
        ("lsls    r3, #24", "lsls    r3, #16", 9),
        ("rsb     r4, lr, #0", "mov     r4, lr", 9),
        ("r1, r3, lsr #3", "r1, r3, lsr #4", 11)))


def test_division(tmp_path):
    assert run_check(tmp_path, "division_check.c", ROOT / "port/cortex-m/small/division.S") == 0


def test_the_check_of_division_can_fail(tmp_path):
    """Where only two short numbers, a remainder as large as the divisor, or certain signs come to."""
    each_fails(tmp_path, "division_check.c", "port/cortex-m/small/division.S", (
        ("mls     r2, ip, r2, r0", "mov     r2, r0", 1),
        ("bcc     5f", "bls     5f", 1),
        ("eor     r5, r1, r3", "mov     r5, r3", 3),
        ("mov     r4, r1", "mov     r4, r3", 4)))
