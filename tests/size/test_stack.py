# SPDX-License-Identifier: GPL-2.0-or-later
"""The stack that each board reserves is enough for what stack_bound.py says it can need, and that
program sees what it must: a small image of known depth, and one with every fault."""

import subprocess

import images
import stack_bound

RULES = "restarts fault\nunused reset nmi fault tick\n"

# Known to the byte: reset pushes 8 and calls outer at that depth, outer takes 16 + 40 and calls
# inner (8, by a call through a pointer: 24), leaf is called behind inner's epilogue.
KNOWN = """
    .syntax unified
    .thumb
    .macro function name
    .section .text.\\name, "ax", %progbits
    .global \\name
    .type \\name, %function
\\name:
    .endm
    .section .vectors, "a", %progbits
    .global vectors
    .type vectors, %object
vectors:
    .word link_stack_top, reset, nmi, fault, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, tick
    .size vectors, . - vectors
    function reset
    push    {r4, lr}
    bl      outer
1:  b       1b
    .size reset, . - reset
    function outer
    push    {r4, r5, r6, lr}
    cbz     r0, 2f
    sub     sp, #40
    ldr     r3, =deep
    blx     r3
    bl      inner
    add     sp, #40
2:  pop     {r4, r5, r6, pc}
    .ltorg
    .size outer, . - outer
    function inner
    str     lr, [sp, #-8]!
    ldr     lr, [sp], #8
    b.w     leaf
    .size inner, . - inner
    function leaf
    push    {r0-r3}
    add     sp, #16
    bx      lr
    .size leaf, . - leaf
    function deep
    sub     sp, #24
    tbb     [pc, r0]
3:  .byte   (4f - 3b) / 2, (5f - 3b) / 2
4:  adr     ip, 6f
    ldr.w   pc, [ip, r0, lsl #2]
    .balign 4
6:  .word   7f + 1, 5f + 1
7:  add     sp, #24
    bx      lr
5:  push    {r0}
    pop     {r0}
    add     sp, #24
    bx      lr
    .size deep, . - deep
    function nmi
    push    {r4}
    pop     {r4}
    bx      lr
    .size nmi, . - nmi
    function fault
    ldr     r3, =link_stack_top
    mov     sp, r3
    push    {r0-r7}
    b       .
    .ltorg
    .size fault, . - fault
    function tick
    bx      lr
    .size tick, . - tick
"""
KNOWN_RULES = RULES + "*:outer:: deep\n"
PROGRAM = 8 + (16 + 40) + (24 + 4)
EXCEPTIONS = 36 + (36 + 4) + 36

FAULTY = """
void (*volatile callback)(void);
volatile int n;
static void listed(void) { n++; }
static void forgotten(void) { n--; }
static void alone(void) { n = 0; }
void (*volatile lonely)(void) = alone;
static void caller_is_gone(void) { n = 1; }
void (*volatile left)(void) = caller_is_gone;
__attribute__((noipa)) static void caller(void) { callback(); }
__attribute__((noipa)) static void unknown(void) { callback(); }
__attribute__((noipa)) static int again(int i) { return i > 0 ? again(i - n) + again(i - 2) : n; }
__attribute__((noipa)) static void variable(int i) { volatile char bytes[i]; bytes[0] = 1; }
void reset(void) {
    callback = n ? listed : forgotten;
    caller();
    unknown();
    variable(again(5));
    for (;;) { }
}
void nmi(void) { }
void fault(void) { for (;;) { } }
void tick(void) { }
extern char link_stack_top[];
__attribute__((section(".vectors"), used)) const void *const vectors[16] = {
    link_stack_top, reset, nmi, fault, [15] = tick};
"""

LINK = """ENTRY(reset)
SECTIONS {
    .text 0 : { KEEP(*(.vectors)) *(.text .text.* .rodata .rodata.*) }
    .stack 0x20000000 (NOLOAD) : { link_stack_bottom = .; . += 512; link_stack_top = .; }
    .bss : { *(.data .data.* .bss .bss.*) }
}
"""


def bound_of(folder, source, rules):
    (folder / "link.ld").write_text(LINK)
    (folder / "rules.txt").write_text(rules)
    (folder / source[0]).write_text(source[1])
    gcc = ["arm-none-eabi-gcc", "-mcpu=cortex-m3", "-mthumb", "-O2", "-g", "-ffunction-sections",
           "-fstack-usage"]
    elf = folder / "planted.elf"
    subprocess.run([*gcc, "-c", "-o", folder / "planted.o", folder / source[0]], check=True)
    subprocess.run([*gcc, "-nostdlib", "-Wl,--emit-relocs", f"-Wl,-T,{folder}/link.ld",
                    f"-Wl,-Map={folder}/planted.map", "-o", elf, folder / "planted.o"], check=True)
    return stack_bound.Bound(str(elf), str(folder), folder / "rules.txt")


def test_stack_of_boards(board):
    elf = images.built(board)
    bound = stack_bound.Bound(elf, f"build/{board}")
    assert bound.findings == []
    assert bound.total <= bound.reserved, "\n" + bound.explanation()


def test_a_known_depth(tmp_path):
    bound = bound_of(tmp_path, ("planted.S", KNOWN), KNOWN_RULES)
    assert bound.findings == []
    assert bound.parts[0][1] == PROGRAM, bound.explanation()
    assert bound.total == PROGRAM + EXCEPTIONS, bound.explanation()
    assert bound.reserved == 512


def test_the_check_can_fail(tmp_path):
    bound = bound_of(tmp_path, ("planted.c", FAULTY), RULES + "planted.c:caller:: listed\n"
                     "planted.c:gone:: caller_is_*\n")
    said = "\n".join(bound.findings)
    assert "planted.c:unknown calls through a pointer" in said
    assert "recursion: again -> again" in said
    assert "variable in" in said and "its frame is dynamic" in said
    assert "moves the stack pointer in a way that this cannot follow" in said
    assert "forgotten: its address is taken, but nothing in the list calls it" in said
    assert "alone: its address is taken, but nothing in the list calls it" in said
    assert "caller_is_gone: its address" not in said
    assert "listed: its address" not in said
    assert "planted.c:caller calls" not in said
