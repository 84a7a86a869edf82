/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * board.c: Stellaris LM3S6965 evaluation board (the chip's data sheet, chapters System Control,
 * Watchdog Timer, UARTs). Its Ethernet is in netif_stellaris.c.
 */
#include "board_api.h"
#include "lm3s6965.h"
#include "netif_stellaris.h"

#define BAUD 115200u

/* The divisor of the baud rate in 64ths. */
#define BAUD_DIVISOR ((LM3S_CPU_HZ * 4u + BAUD / 2u) / BAUD)

/* Looks at a register, of some ten cycles each. The crystal's start is not told anywhere: TI's own
 * library gives it 130 ms of the internal oscillator, which has 12 MHz or 30 % more or less. The PLL
 * locks within half a millisecond. */
#define MOSC_START_TRIES 160000u
#define PLL_LOCK_TRIES 10000u

static uint32_t reset_causes; /* RESC as it was at start */

static bool pll_locks(void) {
    uint32_t tries = PLL_LOCK_TRIES;
    while (tries > 0 && (LM3S_READ(SYSCTL_RIS) & RIS_PLLLRIS) == 0) {
        tries--;
    }
    return tries > 0;
}

/* The steps of the data sheet's chapter System Control (Initialization and Configuration), one
 * write each: off the PLL and the divider; on to the crystal, which is off after a reset, once it
 * swings, and the PLL on; the divider; on to the PLL once it has locked. By the chip's errata the
 * PLL of revision A2 is reliable only with the LDO at 2.75 V. */
static void start_clock(void) {
    if ((LM3S_READ(SYSCTL_DID0) & DID0_REVISION_MASK) == DID0_REVISION_A2) {
        LM3S_WRITE(SYSCTL_LDOPCTL, LDOPCTL_2_75V);
    }
    uint32_t rcc = (LM3S_READ(SYSCTL_RCC) | RCC_BYPASS) & ~RCC_USESYSDIV;
    LM3S_WRITE(SYSCTL_RCC, rcc);
    rcc &= ~RCC_MOSCDIS;
    LM3S_WRITE(SYSCTL_RCC, rcc);
    for (uint32_t i = 0; i < MOSC_START_TRIES; i++) {
        (void)LM3S_READ(SYSCTL_RIS);
    }
    rcc = (rcc & ~(RCC_OSCSRC_MASK | RCC_XTAL_MASK | RCC_PWRDN)) | RCC_XTAL_8MHZ;
    LM3S_WRITE(SYSCTL_RCC, rcc);
    rcc = (rcc & ~RCC_SYSDIV_MASK) | RCC_SYSDIV_4 | RCC_USESYSDIV;
    LM3S_WRITE(SYSCTL_RCC, rcc);
    if (!pll_locks()) {
        board_reset(); /* and all over: at another frequency nothing here is right */
    }
    LM3S_WRITE(SYSCTL_RCC, rcc & ~RCC_BYPASS);
}

static void start_peripherals(void) {
    LM3S_SET(SYSCTL_RCGC0, RCGC0_WDT);
    LM3S_SET(SYSCTL_RCGC1, RCGC1_UART0);
    LM3S_SET(SYSCTL_RCGC2, RCGC2_GPIOA | RCGC2_GPIOF | RCGC2_EMAC0 | RCGC2_EPHY0);
    (void)LM3S_READ(SYSCTL_RCGC2); /* their clocks need three cycles */
    LM3S_SET(GPIOA_AFSEL, GPIOA_U0RX | GPIOA_U0TX);
    LM3S_SET(GPIOA_DEN, GPIOA_U0RX | GPIOA_U0TX);
    LM3S_SET(GPIOF_AFSEL, GPIOF_LED0 | GPIOF_LED1);
    LM3S_SET(GPIOF_DEN, GPIOF_LED0 | GPIOF_LED1);
}

static void start_uart(void) {
    LM3S_WRITE(UARTCTL, 0);
    LM3S_WRITE(UARTIBRD, BAUD_DIVISOR / 64u);
    LM3S_WRITE(UARTFBRD, BAUD_DIVISOR % 64u);
    LM3S_WRITE(UARTLCRH, UARTLCRH_WLEN_8 | UARTLCRH_FEN);
    LM3S_WRITE(UARTCTL, UARTCTL_UARTEN | UARTCTL_TXE);
}

uint32_t board_init(void) {
    start_clock();
    reset_causes = LM3S_READ(SYSCTL_RESC);
    LM3S_WRITE(SYSCTL_RESC, 0); /* it collects causes until it is cleared */
    start_peripherals();
    start_uart();
    return LM3S_CPU_HZ;
}

size_t board_log_write(const char *bytes, size_t n) {
    size_t taken = 0;
    while (taken < n && (LM3S_READ(UARTFR) & UARTFR_TXFF) == 0) {
        LM3S_WRITE(UARTDR, (uint8_t)bytes[taken++]);
    }
    return taken;
}

/* Nothing on this chip is random: BOARD_SEED are the last bytes of RAM, which link.ld leaves. */
bool board_entropy(void *bytes, size_t n) {
    (void)bytes;
    (void)n;
    return false;
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
    LM3S_WRITE(AIRCR, AIRCR_SYSRESETREQ);
    for (;;) { /* takes a few cycles */
    }
}

/* It counts down twice: the first time to an interrupt, which board_interrupt masks, since to
 * acknowledge it would start all over; the second time to a reset. */
void board_watchdog_kick(void) {
    if ((LM3S_READ(WDTCTL) & WDTCTL_INTEN) == 0) {
        LM3S_WRITE(WDTLOAD, LM3S_CPU_HZ / 1000u * (BOARD_WATCHDOG_MS / 2u));
        LM3S_WRITE(WDTCTL, WDTCTL_RESEN);
        LM3S_WRITE(WDTCTL, WDTCTL_RESEN | WDTCTL_INTEN);
    }
    LM3S_WRITE(WDTICR, 1); /* loads the count again */
    LM3S_WRITE(NVIC_ISER(IRQ_WATCHDOG / 32u), 1u << IRQ_WATCHDOG % 32u);
}

bool board_interrupt(uint32_t irq) {
    if (irq == IRQ_ETHERNET) {
        netif_stellaris_interrupt();
        return false;
    }
    LM3S_WRITE(NVIC_ICER(IRQ_WATCHDOG / 32u), 1u << IRQ_WATCHDOG % 32u);
    return true;
}
