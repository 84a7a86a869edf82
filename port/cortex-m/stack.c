/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * stack.c: see stack.h.
 */
#include "stack.h"

#include "core.h"

#define PAINT 0x57acced5u
#define GUARD_BYTES 32u /* the smallest region of an MPU, to which the linker script aligns */

/* From the linker script: the stack grows down from top to bottom. */
extern uint32_t link_stack_bottom[];
extern uint32_t link_stack_top[];

/* The guard's own words are out of bounds. */
#define LOWEST (link_stack_bottom + GUARD_BYTES / 4u)

static uint32_t *stack_pointer(void) {
    uint32_t *sp;
    __asm volatile("mov %0, sp" : "=r"(sp));
    return sp;
}

__attribute__((noinline)) void stack_paint(void) {
    volatile uint32_t *const end = stack_pointer();
    for (volatile uint32_t *at = link_stack_bottom; at < end; at++) {
        *at = PAINT;
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
    return *(volatile uint32_t *)LOWEST != PAINT;
}

struct table_stats stack_stats(void) {
    const volatile uint32_t *deepest = LOWEST;
    while (deepest < link_stack_top && *deepest == PAINT) {
        deepest++;
    }
    return (struct table_stats){
        .name = "stack_bytes",
        .used = (uint32_t)(4 * (link_stack_top - stack_pointer())),
        .high_water = (uint32_t)(4 * (link_stack_top - deepest)),
        .limit = (uint32_t)(4 * (link_stack_top - LOWEST)),
    };
}
