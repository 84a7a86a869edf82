/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * board.c: NAME OF THE BOARD (data sheet of its chip). Its Ethernet is in netif_mac.c.
 *
 * What is not filled in yet fails closed: there is no console, nothing is random (so no HTTPS),
 * and no watchdog.
 */
#include "board_api.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

/* What the chip runs on after a reset, until board_init chooses otherwise. */
#define CPU_HZ 16000000u

/* Armv7-M Architecture Reference Manual B3.2.6: every Cortex-M resets so. */
#define AIRCR REGISTER(0xe000ed0cu)
#define AIRCR_SYSRESETREQ 0x05fa0004u

uint32_t board_init(void) {
    /* To do: clocks, pins, the UART's baud rate. */
    return CPU_HZ;
}

size_t board_log_write(const char *bytes, size_t n) {
    /* To do: while the UART has room, give it a byte; never wait. */
    (void)bytes;
    (void)n;
    return 0;
}

bool board_entropy(void *bytes, size_t n) {
    /* To do: the chip's random number generator, its health tests passed. */
    (void)bytes;
    (void)n;
    return false;
}

enum board_reset_cause board_reset_cause(void) {
    /* To do: the chip's reset status, cleared when read. */
    return BOARD_RESET_UNKNOWN;
}

_Noreturn void board_reset(void) {
    AIRCR = AIRCR_SYSRESETREQ;
    for (;;) { /* takes a few cycles */
    }
}

void board_watchdog_kick(void) {
    /* To do: the first call starts it with BOARD_WATCHDOG_MS, each one restarts its count. */
}
