/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu_check.h: what a check of assembly is that runs on an emulated Cortex-M3 without anything
 * beside it: its vectors and its end. A check defines start.
 */
#ifndef PINGSHOT_QEMU_CHECK_H
#define PINGSHOT_QEMU_CHECK_H

#include <stdint.h>

void start(void);

/* Ends the emulator with that status, by semihosting (SYS_EXIT_EXTENDED). */
static _Noreturn void finish(uint32_t status) {
    static uint32_t block[2];
    block[0] = 0x20026; /* ADP_Stopped_ApplicationExit */
    block[1] = status;
    register uint32_t r0 __asm("r0") = 0x20;
    register uint32_t *r1 __asm("r1") = block;
    __asm volatile("bkpt 0xab" ::"r"(r0), "r"(r1) : "memory");
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t stack;
    void (*reset)(void);
} vectors = {0x20010000u, start};

#endif
