/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * board.c: Arm MPS2 with the AN385 image (Application Note AN385) or one of its kind; UART,
 * watchdog and system controller are in the Cortex-M System Design Kit's Technical Reference
 * Manual. Its Ethernet is in netif_lan9118.c.
 */
#include "board_api.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define CPU_HZ 25000000u

/* CMSDK APB UART 0 */
#define UART_DATA REGISTER(0x40004000u)
#define UART_STATE REGISTER(0x40004004u)
#define UART_CTRL REGISTER(0x40004008u)
#define UART_BAUDDIV REGISTER(0x40004010u)
#define UART_STATE_TX_FULL (1u << 0)
#define UART_CTRL_TX_ENABLE (1u << 0)
#define BAUD 115200u

/* CMSDK APB watchdog: counts down twice, first to an NMI, then to a reset. The NMI's handler leaves
 * WDOGINT as it is: to clear it loads the count again and takes back the reset, so a program that
 * hangs would only be warned, for ever. Where the core takes the NMI again as long as WDOGINT is
 * set, the program goes no further behind the warning. */
#define WDOGLOAD REGISTER(0x40008000u)
#define WDOGCONTROL REGISTER(0x40008008u)
#define WDOGINTCLR REGISTER(0x4000800cu)
#define WDOGLOCK REGISTER(0x40008c00u)
#define WDOGLOCK_UNLOCK 0x1acce551u
#define WDOGCONTROL_INTEN (1u << 0)
#define WDOGCONTROL_RESEN (1u << 1)

/* System controller: why the last reset was. QEMU has none and says 0. */
#define RSTINFO REGISTER(0x4001f010u)
#define RSTINFO_WDOGRESETREQ (1u << 1)
#define RSTINFO_SYSRESETREQ (1u << 0)

#define AIRCR REGISTER(0xe000ed0cu)
#define AIRCR_SYSRESETREQ 0x05fa0004u

uint32_t board_init(void) {
    UART_BAUDDIV = CPU_HZ / BAUD;
    UART_CTRL = UART_CTRL_TX_ENABLE;
    return CPU_HZ;
}

size_t board_log_write(const char *bytes, size_t n) {
    size_t taken = 0;
    while (taken < n && (UART_STATE & UART_STATE_TX_FULL) == 0) {
        UART_DATA = (uint8_t)bytes[taken++];
    }
    return taken;
}

/* Nothing on this board is random: BOARD_SEED is where its PSRAM begins, which is not used otherwise. */
bool board_entropy(void *bytes, size_t n) {
    (void)bytes;
    (void)n;
    return false;
}

enum board_reset_cause board_reset_cause(void) {
    const uint32_t info = RSTINFO;
    RSTINFO = info; /* ones clear it */
    if ((info & RSTINFO_WDOGRESETREQ) != 0) {
        return BOARD_RESET_WATCHDOG;
    }
    if ((info & RSTINFO_SYSRESETREQ) != 0) {
        return BOARD_RESET_SOFTWARE;
    }
    return BOARD_RESET_UNKNOWN; /* power-on and pin look alike */
}

_Noreturn void board_reset(void) {
    AIRCR = AIRCR_SYSRESETREQ;
    for (;;) { /* takes a few cycles */
    }
}

void board_watchdog_kick(void) {
    WDOGLOCK = WDOGLOCK_UNLOCK;
    if (WDOGCONTROL == 0) {
        WDOGLOAD = CPU_HZ / 1000u * BOARD_WATCHDOG_MS / 2u;
        WDOGCONTROL = WDOGCONTROL_INTEN | WDOGCONTROL_RESEN;
    }
    WDOGINTCLR = 1; /* loads the count again */
    WDOGLOCK = 0;
}
