/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * stack.c: see stack.h.
 */
#include "stack.h"

#include "clock.h"
#include "core.h"

#include <stddef.h>

#define PAINT 0x57acced5u
#define LOOK_MS 1000u

/* From the linker script: the stack grows down to its first word. The address of ..._bytes is a
 * number. */
extern uint32_t link_stack_bottom[];
extern char link_stack_bytes[];

/* The guard's own words are out of bounds. */
#define LOWEST (STACK_GUARD_BYTES / sizeof link_stack_bottom[0])

static size_t stack_words(void) {
    return (size_t)link_stack_bytes / sizeof link_stack_bottom[0];
}

/* Index of the word that the stack pointer points to. */
static size_t top_of_stack(void) {
    uintptr_t sp;
    __asm volatile("mov %0, sp" : "=r"(sp));
    return (sp - (uintptr_t)link_stack_bottom) / sizeof link_stack_bottom[0];
}

__attribute__((noinline)) void stack_paint(void) {
    const size_t end = top_of_stack();
    for (size_t i = 0; i < end; i++) {
        ((volatile uint32_t *)link_stack_bottom)[i] = PAINT;
    }
}

bool stack_guard(void) {
    if ((MPU_TYPE & MPU_TYPE_DREGION) == 0) {
        return false;
    }
    /* Region 0: 2^(4+1) bytes, no access, not even privileged. All else stays as by default. */
    MPU_RBAR = (uint32_t)(uintptr_t)link_stack_bottom | MPU_RBAR_VALID;
    MPU_RASR = MPU_RASR_XN | (4u << 1) | MPU_RASR_ENABLE;
    MPU_CTRL = MPU_CTRL_PRIVDEFENA | MPU_CTRL_ENABLE;
    SHCSR |= SHCSR_MEMFAULTENA;
    core_barrier();
    return true;
}

bool stack_overrun(void) {
    return ((volatile uint32_t *)link_stack_bottom)[LOWEST] != PAINT;
}

static uint32_t deepest_bytes; /* what was found, and when */
static uint32_t looked_ms;

void stack_look(void) {
    const uint32_t now_ms = clock_monotonic_ms();
    if (deepest_bytes != 0 && now_ms - looked_ms < LOOK_MS) {
        return;
    }
    /* The lowest word that was ever used. Four at once, for most are paint. */
    const volatile uint32_t *word = link_stack_bottom + LOWEST;
    while (((word[0] ^ PAINT) | (word[1] ^ PAINT) | (word[2] ^ PAINT) | (word[3] ^ PAINT)) == 0) {
        word += 4;
    }
    while (*word == PAINT) {
        word++;
    }
    deepest_bytes = (uint32_t)((uintptr_t)(link_stack_bottom + stack_words()) - (uintptr_t)word);
    looked_ms = now_ms;
}

struct table_stats stack_stats(void) {
    const size_t words = stack_words();
    const uint32_t used_bytes = (uint32_t)((words - top_of_stack()) * sizeof link_stack_bottom[0]);
    return (struct table_stats){
        .name = LABEL_VALUE("stack_bytes"),
        .used = used_bytes,
        .high_water = used_bytes > deepest_bytes ? used_bytes : deepest_bytes,
        .limit = (uint32_t)((words - LOWEST) * sizeof link_stack_bottom[0]),
    };
}
