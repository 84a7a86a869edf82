/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * board.c: Stellaris LM3S6965 evaluation board (the chip's data sheet, chapters System Control,
 * Watchdog Timer, UARTs). Its Ethernet is in netif_stellaris.c.
 */
#include "board_api.h"
#include "lm3s6965.h"
#include "netif_stellaris.h"

#include <string.h>

#define BAUD 115200u

/* The divisor of the baud rate in 64ths. */
#define BAUD_DIVISOR ((LM3S_CPU_HZ * 4u + BAUD / 2u) / BAUD)

/* The PLL locks within half a millisecond; at this point the chip runs from a 12 MHz oscillator. */
#define PLL_LOCK_TRIES 10000u

/* Nothing on this chip is random. QEMU's loader device may put a seed into the last bytes of flash,
 * another one for each start. */
#define SEED ((const uint8_t *)0x3ffe0u)
#define SEED_BYTES 32u

static uint32_t reset_causes; /* RESC as it was at start */

/* As the data sheet's chapter System Control says: first off the PLL, then to the crystal, then
 * the divider, and onto the PLL once it has locked. */
static void start_clock(void) {
    uint32_t rcc = SYSCTL_RCC;
    rcc = (rcc | RCC_BYPASS) & ~RCC_USESYSDIV;
    SYSCTL_RCC = rcc;
    rcc &= ~(RCC_MOSCDIS | RCC_OSCSRC_MASK | RCC_XTAL_MASK | RCC_PWRDN | RCC_SYSDIV_MASK);
    rcc |= RCC_XTAL_8MHZ | RCC_SYSDIV_4 | RCC_USESYSDIV;
    SYSCTL_RCC = rcc;
    for (uint32_t i = 0; i < PLL_LOCK_TRIES && (SYSCTL_RIS & RIS_PLLLRIS) == 0; i++) {
    }
    SYSCTL_RCC = rcc & ~RCC_BYPASS;
}

static void start_peripherals(void) {
    SYSCTL_RCGC0 |= RCGC0_WDT;
    SYSCTL_RCGC1 |= RCGC1_UART0;
    SYSCTL_RCGC2 |= RCGC2_GPIOA | RCGC2_GPIOF | RCGC2_EMAC0 | RCGC2_EPHY0;
    (void)SYSCTL_RCGC2; /* their clocks need three cycles */
    GPIOA_AFSEL |= GPIOA_U0RX | GPIOA_U0TX;
    GPIOA_DEN |= GPIOA_U0RX | GPIOA_U0TX;
    GPIOF_AFSEL |= GPIOF_LED0 | GPIOF_LED1;
    GPIOF_DEN |= GPIOF_LED0 | GPIOF_LED1;
}

static void start_uart(void) {
    UARTCTL = 0;
    UARTIBRD = BAUD_DIVISOR / 64u;
    UARTFBRD = BAUD_DIVISOR % 64u;
    UARTLCRH = UARTLCRH_WLEN_8 | UARTLCRH_FEN;
    UARTCTL = UARTCTL_UARTEN | UARTCTL_TXE;
}

uint32_t board_init(void) {
    reset_causes = SYSCTL_RESC;
    SYSCTL_RESC = 0; /* it collects causes until it is cleared */
    start_clock();
    start_peripherals();
    start_uart();
    return LM3S_CPU_HZ;
}

size_t board_log_write(const char *bytes, size_t n) {
    size_t taken = 0;
    while (taken < n && (UARTFR & UARTFR_TXFF) == 0) {
        UARTDR = (uint8_t)bytes[taken++];
    }
    return taken;
}

/* A chip's flash holds the same bytes after each power-on: no seed. A chip always tells a cause of
 * its reset, and the emulator never does. */
bool board_entropy(void *bytes, size_t n) {
    bool all_same = true;
    for (size_t i = 1; i < SEED_BYTES; i++) {
        all_same = all_same && SEED[i] == SEED[0];
    }
    if (all_same || n > SEED_BYTES || reset_causes != 0) {
        return false;
    }
    memcpy(bytes, SEED, n);
    return true;
}

enum board_reset_cause board_reset_cause(void) {
    if ((reset_causes & (RESC_POR | RESC_BOR)) != 0) {
        return BOARD_RESET_POWER_ON;
    }
    if ((reset_causes & RESC_WDT) != 0) {
        return BOARD_RESET_WATCHDOG;
    }
    if ((reset_causes & RESC_SW) != 0) {
        return BOARD_RESET_SOFTWARE;
    }
    return (reset_causes & RESC_EXT) != 0 ? BOARD_RESET_PIN : BOARD_RESET_UNKNOWN;
}

_Noreturn void board_reset(void) {
    AIRCR = AIRCR_SYSRESETREQ;
    for (;;) { /* takes a few cycles */
    }
}

/* It counts down twice: the first time to an interrupt, which board_interrupt masks, since to
 * acknowledge it would start all over; the second time to a reset. */
void board_watchdog_kick(void) {
    if ((WDTCTL & WDTCTL_INTEN) == 0) {
        WDTLOAD = LM3S_CPU_HZ / 1000u * (BOARD_WATCHDOG_MS / 2u);
        WDTCTL = WDTCTL_RESEN;
        WDTCTL = WDTCTL_RESEN | WDTCTL_INTEN;
    }
    WDTICR = 1; /* loads the count again */
    NVIC_ISER(IRQ_WATCHDOG / 32u) = 1u << IRQ_WATCHDOG % 32u;
}

bool board_interrupt(uint32_t irq) {
    if (irq == IRQ_ETHERNET) {
        netif_stellaris_interrupt();
        return false;
    }
    NVIC_ICER(IRQ_WATCHDOG / 32u) = 1u << IRQ_WATCHDOG % 32u;
    return true;
}
