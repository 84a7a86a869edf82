# SPDX-License-Identifier: GPL-2.0-or-later
"""The painted stack of boards (port/cortex-m/stack.c), run on an emulated Cortex-M3: stack_check.c."""

import qemu_check

PORT = qemu_check.ROOT / "port/cortex-m"


def run_check(folder, stack):
    """With stack.c as given, as text."""
    (folder / "stack.c").write_text(stack)
    return qemu_check.run_check(
        folder, qemu_check.HERE / "stack_check.c", [PORT / "memory.S"], "-iquote", folder,
        "-iquote", PORT, "-iquote", qemu_check.ROOT / "app",
        "-include", qemu_check.ROOT / "board/mps2-an385/limits.h")


def test_the_painted_stack(tmp_path):
    assert run_check(tmp_path, (PORT / "stack.c").read_text()) == 0


def test_the_check_can_fail(tmp_path):
    """Each function broken once: the check must end with the status given."""
    qemu_check.each_fails((PORT / "stack.c").read_text(), lambda stack: run_check(tmp_path, stack), (
            ("size_t i = 0; i < end", "size_t i = 1; i < end", 1),
            ("i < end; i++", "i < end - 20; i++", 3),
            ("(words - LOWEST) * sizeof", "words * sizeof", 4),
            ("words - top_of_stack()", "top_of_stack()", 5),
            ("stack_words()) - (uintptr_t)word", "stack_words() + 64) - (uintptr_t)word", 6),
            ("[LOWEST] != PAINT", "[LOWEST + 1] != PAINT", 7),
            ("now_ms - looked_ms < LOOK_MS", "now_ms < looked_ms + LOOK_MS - 1", 8),
            ("looked_ms = now_ms;", "looked_ms = 0;", 9),
            ("now_ms - looked_ms < LOOK_MS", "now_ms - looked_ms <= LOOK_MS", 9),
            ("while (*word == PAINT) {", "while (*word == PAINT && word == 0) {", 9),
            ("| (word[3] ^ PAINT)", "", 9),
            ("[LOWEST] != PAINT", "[LOWEST - 1] != PAINT", 10),
            ("(4u << 1)", "(5u << 1)", 12),
            ("SHCSR |= SHCSR_MEMFAULTENA;", "MPU_CTRL = 0;", 13)))
