/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * faults.c: see faults.h. Armv7-M Architecture Reference Manual B1.5.6 (what an exception
 * stacks) and B3.2.15 (fault status). A handler runs with interrupts masked, on the top of the
 * stack: what is there is lost, and the stack may be what broke. It resets by SYSRESETREQ, which
 * needs no timer and no wait; the watchdog, which nobody kicks then, stands behind that.
 */
#include "faults.h"

#include "board_api.h"
#include "clock.h"
#include "console.h"
#include "core.h"
#include "retained.h"
#include "stack.h"

#include "lwip/arch.h"

#include <string.h>

#define CFSR_UNDEFINSTR (1u << 16)
#define CFSR_MSTKERR (1u << 4)
#define CFSR_MMARVALID (1u << 7)
#define CFSR_BFARVALID (1u << 15)

/* An assertion of lwIP: the undefined instruction UDF (encoding T1) with lwip/arch/cc.h's number. */
#define UDF_ASSERTION (0xde00u | CC_ASSERTION_FAILED)

/* From the linker script. */
extern uint32_t link_stack_bottom[];
extern uint32_t link_stack_top[];

void faults_handle(uint32_t sp, uint32_t lr, uint32_t pc);

static volatile bool warned;

void faults_enable(void) {
    CCR |= CCR_DIV_0_TRP;
    stack_guard();
}

/* The last words of a run, as the record has them, and the reset. */
static _Noreturn void finish(struct retained_end *end) {
    end->uptime_s = clock_monotonic_ms() / 1000u;
    retained_end(end);
    core_barrier();
    board_reset();
}

static _Noreturn void stop(enum retained_cause cause, const void *caller, const char *text) {
    core_mask_interrupts();
    struct retained_end end = {.cause = cause, .lr = (uint32_t)(uintptr_t)caller};
    for (size_t i = 0; i + 1 < sizeof end.text && text[i] != '\0'; i++) {
        end.text[i] = text[i];
    }
    finish(&end);
}

_Noreturn void faults_trap(const char *text) {
    stop(RETAINED_ASSERTION, __builtin_return_address(0), text);
}

_Noreturn void faults_stack_overflow(void) {
    stop(RETAINED_STACK, __builtin_return_address(0), "its last word was used");
}

_Noreturn void faults_reset(void) {
    core_mask_interrupts();
    finish(&(struct retained_end){.cause = RETAINED_SOFTWARE});
}

bool faults_warned(void) {
    const bool was = warned;
    warned = false;
    return was;
}

static bool in_guard(uint32_t address) {
    const uint32_t bottom = (uint32_t)(uintptr_t)link_stack_bottom;
    return address - bottom < STACK_GUARD_BYTES;
}

/* One large frame may step over the guard: then the stack pointer is below it, and what was to be
 * stacked met no memory. */
static bool out_of_stack(uint32_t sp) {
    const uint32_t lowest = (uint32_t)(uintptr_t)link_stack_bottom + STACK_GUARD_BYTES;
    return sp - lowest >= (uint32_t)(uintptr_t)link_stack_top - lowest;
}

__attribute__((used)) _Noreturn void faults_handle(uint32_t sp, uint32_t lr, uint32_t pc) {
    core_mask_interrupts();
    struct retained_end end = {
        .cause = RETAINED_FAULT, .pc = pc, .lr = lr, .cfsr = CFSR, .address = 0};
    if ((end.cfsr & CFSR_MMARVALID) != 0) {
        end.address = MMFAR;
    } else if ((end.cfsr & CFSR_BFARVALID) != 0) {
        end.address = BFAR;
    }
    if ((end.cfsr & CFSR_UNDEFINSTR) != 0 && *(const uint16_t *)pc == UDF_ASSERTION) {
        end.cause = RETAINED_ASSERTION;
    }
    if ((end.cfsr & CFSR_MSTKERR) != 0 || in_guard(end.address) || out_of_stack(sp)) {
        end.cause = RETAINED_STACK;
    }
    finish(&end);
}

/* The exception's frame is r0-r3, r12, lr, pc, xPSR; it is there unless the stack ended in it, or
 * the stack pointer is somewhere else: to read that would be the end without a record. */
__attribute__((naked)) void faults_entry(void) {
    __asm volatile("mrs  r0, msp\n\t"
                   "movs r1, #0\n\t"
                   "movs r2, #0\n\t"
                   "ldr  r3, =link_stack_bottom + 32\n\t"
                   "cmp  r0, r3\n\t"
                   "blo  1f\n\t"
                   "ldr  r3, =link_stack_top - 32\n\t"
                   "cmp  r0, r3\n\t"
                   "bhi  1f\n\t"
                   "ldr  r1, [r0, #20]\n\t"
                   "ldr  r2, [r0, #24]\n"
                   "1:\n\t"
                   "ldr  r3, =link_stack_top\n\t"
                   "mov  sp, r3\n\t"
                   "b    faults_handle\n\t"
                   ".ltorg");
}

__attribute__((used)) void faults_watchdog(const uint32_t *frame) {
    warned = true;
    retained_end(&(struct retained_end){.cause = RETAINED_WATCHDOG,
                                        .lr = frame[5],
                                        .pc = frame[6],
                                        .uptime_s = clock_monotonic_ms() / 1000u});
}

__attribute__((naked)) void faults_nmi(void) {
    __asm volatile("mrs r0, msp\n\t"
                   "b   faults_watchdog");
}
