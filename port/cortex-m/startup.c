/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * startup.c: from reset to main, and the vector table (Armv7-M Architecture Reference Manual,
 * B1.5). The linker script of the board names where things lie.
 */
#include "board_api.h"
#include "core.h"
#include "faults.h"
#include "stack.h"
#include "systick.h"

#include <stdint.h>
#include <string.h>

/* From the linker script. A symbol's address is all that it can hold: of ..._bytes it is a
 * number. */
extern uint32_t link_data_load[];
extern uint32_t link_data_start[];
extern char link_data_bytes[];
extern uint32_t link_bss_start[];
extern char link_bss_bytes[];
extern uint32_t link_stack_top[];

int main(void);
void startup_reset(void);
__attribute__((used)) void startup_interrupt(const uint32_t *frame);

/* The stack is not in use yet beyond this function's frame, so it can be painted from here. */
void startup_reset(void) {
    memcpy(link_data_start, link_data_load, (size_t)link_data_bytes);
    memset(link_bss_start, 0, (size_t)link_bss_bytes);
    stack_paint();
    faults_enable();
    main();
    faults_trap("main returned");
}

/* `frame` is what the exception stacked. */
__attribute__((used)) void startup_interrupt(const uint32_t *frame) {
    if (board_interrupt((ICSR & ICSR_VECTACTIVE) - 16u)) {
        faults_watchdog(frame);
    }
}

__attribute__((naked)) static void interrupt(void) {
    __asm volatile("mrs r0, msp\n\t"
                   "b   startup_interrupt");
}

/* What a vector holds: the initial stack pointer comes first, all others are handlers. */
union vector {
    void (*handler)(void);
    uint32_t *stack;
};

/* How many a board's chip has, beyond the core's own: 4 bytes of flash each. */
#ifndef CFG_INTERRUPTS
#define CFG_INTERRUPTS 64
#endif

/* An interrupt that nothing enables needs no handler of its own: all go to the board. */
__attribute__((section(".vectors"),
               used)) static const union vector vectors[16 + CFG_INTERRUPTS] = {
    [0] = {.stack = link_stack_top},
    [1] = {startup_reset},
    [2] = {faults_nmi},
    [3] = {faults_entry},  /* HardFault */
    [4] = {faults_entry},  /* MemManage */
    [5] = {faults_entry},  /* BusFault */
    [6] = {faults_entry},  /* UsageFault */
    [11] = {faults_entry}, /* SVCall */
    [12] = {faults_entry}, /* DebugMonitor */
    [14] = {faults_entry}, /* PendSV */
    [15] = {systick_interrupt},
    [16 ... 16 + CFG_INTERRUPTS - 1] = {interrupt},
};
