/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_port_lm3s6965.c: what lm3s6965evb's board.c does with the chip: the steps to its clock, and
 * that each waits for the one before; causes of resets; the watchdog; the UART. The model here has
 * a clock of its own, by the oscillator that the chip runs from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "lm3s_registers.h"

#include "../../board/lm3s6965evb/board.c"

#define RCC_AFTER_RESET 0x078e3ad1u

/* A read and what a loop has beside it; at 15.6 MHz, the fastest that the internal oscillator may
 * be. */
#define NS_A_READ (6u * 64u)
/* What a crystal of this kind needs at most, and the data sheet's TREADY. */
#define MOSC_NS 20000000u
#define PLL_NS 500000u

#define UART_FIFO_BYTES 16u

static struct {
    bool pll_is_dead;
    uint32_t did0;
    uint64_t now_ns;
    uint64_t mosc_since_ns;
    uint64_t pll_since_ns;
    uint32_t rcc;
    uint32_t resc;
    uint32_t ldo;
    uint32_t resets;
    jmp_buf reset;

    uint32_t rcgc[3];
    uint32_t wdt_load;
    uint32_t wdt_control;
    uint32_t wdt_controls; /* writes */
    uint32_t wdt_kicks;
    uint32_t nvic[2]; /* enabled interrupts 0 to 31, and 32 to 63 */
    uint32_t uart_control;
    uint32_t uart_baud[2];
    uint32_t uart_count;
    char uart[UART_FIFO_BYTES];
    uint32_t frames_told; /* interrupts of the Ethernet controller */
} model;

void netif_stellaris_interrupt(void) {
    model.frames_told++;
}

static int set_up(void **state) {
    (void)state;
    memset(&model, 0, sizeof model);
    model.did0 = 0x10010002; /* revision A2 */
    model.rcc = RCC_AFTER_RESET;
    model.resc = RESC_POR;
    return 0;
}

/* ---- clock --------------------------------------------------------------------------------------- */

static bool pll_has_locked(void) {
    return (model.rcc & RCC_PWRDN) == 0 && !model.pll_is_dead &&
           model.now_ns - model.pll_since_ns >= PLL_NS &&
           (model.ldo == LDOPCTL_2_75V || (model.did0 & 0xffffu) != 2);
}

static bool crystal_swings(void) {
    return (model.rcc & RCC_MOSCDIS) == 0 && model.now_ns - model.mosc_since_ns >= MOSC_NS;
}

/* What each bit needs before it may change. */
static void write_rcc(uint32_t value) {
    const uint32_t changed = model.rcc ^ value;
    const uint32_t known = RCC_MOSCDIS | RCC_OSCSRC_MASK | RCC_XTAL_MASK | RCC_BYPASS | RCC_PWRDN |
                           RCC_USESYSDIV | RCC_SYSDIV_MASK;
    assert_int_equal(changed & ~known, 0);
    if ((changed & (RCC_OSCSRC_MASK | RCC_XTAL_MASK | RCC_PWRDN)) != 0) {
        assert_true((model.rcc & RCC_BYPASS) != 0 && (model.rcc & RCC_USESYSDIV) == 0);
        assert_true(crystal_swings());
    }
    if ((changed & RCC_SYSDIV_MASK) != 0) {
        assert_true((value & RCC_BYPASS) != 0);
        assert_int_equal(changed & (RCC_OSCSRC_MASK | RCC_XTAL_MASK | RCC_PWRDN), 0);
    }
    if ((changed & RCC_BYPASS) != 0 && (value & RCC_BYPASS) == 0) {
        assert_int_equal(changed, RCC_BYPASS);
        assert_true(pll_has_locked());
    }
    if ((changed & RCC_MOSCDIS) != 0) {
        model.mosc_since_ns = model.now_ns;
    }
    if ((changed & RCC_PWRDN) != 0) {
        model.pll_since_ns = model.now_ns;
    }
    model.rcc = value;
}

static uint32_t *plain_register(uint32_t address) {
    static uint32_t gpio[4];
    switch (address) {
    case SYSCTL_RESC:
        return &model.resc;
    case SYSCTL_LDOPCTL:
        return &model.ldo;
    case SYSCTL_RCGC0:
    case SYSCTL_RCGC1:
    case SYSCTL_RCGC2:
        return &model.rcgc[(address - SYSCTL_RCGC0) / 4];
    case GPIOA_AFSEL:
        return &gpio[0];
    case GPIOA_DEN:
        return &gpio[1];
    case GPIOF_AFSEL:
        return &gpio[2];
    case GPIOF_DEN:
        return &gpio[3];
    case WDTLOAD:
        return &model.wdt_load;
    case WDTCTL:
        return &model.wdt_control;
    case UARTCTL:
        return &model.uart_control;
    case UARTIBRD:
        return &model.uart_baud[0];
    case UARTFBRD:
        return &model.uart_baud[1];
    case UARTLCRH:
        return &gpio[3];
    default:
        fail_msg("register 0x%08x", address);
        return NULL;
    }
}

static uint32_t model_read(uint32_t address) {
    model.now_ns += NS_A_READ;
    switch (address) {
    case SYSCTL_DID0:
        return model.did0;
    case SYSCTL_RCC:
        return model.rcc;
    case SYSCTL_RIS:
        return pll_has_locked() ? RIS_PLLLRIS : 0;
    case UARTFR:
        return model.uart_count == UART_FIFO_BYTES ? UARTFR_TXFF : 0;
    default:
        return *plain_register(address);
    }
}

/* A peripheral without a clock faults. */
static void assert_clocked(uint32_t address) {
    if ((address & ~0xfffu) == (WDTLOAD & ~0xfffu)) {
        assert_true((model.rcgc[0] & RCGC0_WDT) != 0);
    } else if ((address & ~0xfffu) == (UARTDR & ~0xfffu)) {
        assert_true((model.rcgc[1] & RCGC1_UART0) != 0);
    }
}

static void model_write(uint32_t address, uint32_t value) {
    assert_clocked(address);
    switch (address) {
    case SYSCTL_RCC:
        write_rcc(value);
        break;
    case AIRCR:
        assert_int_equal(value, 0x05fa0004);
        assert_true(model.pll_is_dead); /* why else */
        model.resets++;
        longjmp(model.reset, 1);
    case WDTICR:
        model.wdt_kicks++;
        break;
    case WDTCTL:
        model.wdt_control = value;
        model.wdt_controls++;
        break;
    case UARTDR:
        model.uart[model.uart_count++] = (char)value;
        break;
    case NVIC_ISER(0u):
        model.nvic[0] |= value;
        break;
    case NVIC_ICER(0u):
        model.nvic[0] &= ~value;
        break;
    default:
        *plain_register(address) = value;
        break;
    }
}

static void test_clock(void **state) {
    (void)state;
    assert_int_equal(board_init(), 50000000);
    /* 8 MHz, 400 MHz of the PLL by two, by four */
    assert_int_equal(model.rcc & (RCC_OSCSRC_MASK | RCC_BYPASS | RCC_PWRDN | RCC_MOSCDIS), 0);
    assert_int_equal(model.rcc >> 6 & 15u, 0xe);
    assert_int_equal(model.rcc >> 23 & 15u, 3);
    assert_true((model.rcc & RCC_USESYSDIV) != 0);
    assert_int_equal(model.ldo, 0x1b);
    assert_int_equal(model.uart_baud[0] * 64 + model.uart_baud[1], 1736); /* 115200 */
    assert_int_equal(model.uart_control, UARTCTL_UARTEN | UARTCTL_TXE);
}

static void test_the_voltage_of_other_revisions_stays(void **state) {
    (void)state;
    model.did0 = 0x10010100;
    assert_int_equal(board_init(), 50000000);
    assert_int_equal(model.ldo, 0);
}

/* After a reset by a debugger, or of an emulator, it may run already. */
static void test_clock_once_more(void **state) {
    (void)state;
    assert_int_equal(board_init(), 50000000);
    assert_int_equal(board_init(), 50000000);
}

/* Never on to a PLL that has not locked; and what the reset before was stays known. */
static void test_a_pll_that_does_not_lock(void **state) {
    (void)state;
    model.pll_is_dead = true;
    if (setjmp(model.reset) == 0) {
        board_init();
        fail();
    }
    assert_int_equal(model.resets, 1);
    assert_true((model.rcc & RCC_BYPASS) != 0);
    assert_int_equal(model.resc, RESC_POR);
}

/* ---- resets -------------------------------------------------------------------------------------- */

static void test_causes_of_resets(void **state) {
    (void)state;
    static const struct {
        uint32_t resc;
        enum board_reset_cause cause;
    } cases[] = {
        {RESC_POR | RESC_EXT, BOARD_RESET_POWER_ON},
        {RESC_BOR, BOARD_RESET_POWER_ON},
        {RESC_POR | RESC_SW, BOARD_RESET_POWER_ON}, /* whose PLL took two attempts */
        {RESC_WDT, BOARD_RESET_WATCHDOG},
        {RESC_SW, BOARD_RESET_SOFTWARE},
        {RESC_EXT, BOARD_RESET_PIN},
        {0, BOARD_RESET_UNKNOWN},
    };
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        model.resc = cases[i].resc;
        board_init();
        assert_int_equal(board_reset_cause(), cases[i].cause);
        assert_int_equal(model.resc, 0); /* or the next one could not be told */
    }
}

/* ---- watchdog ------------------------------------------------------------------------------------ */

static void test_watchdog(void **state) {
    (void)state;
    board_init();
    assert_int_equal(model.wdt_control, 0);
    board_watchdog_kick();
    assert_int_equal(model.wdt_control, WDTCTL_RESEN | WDTCTL_INTEN);
    assert_int_equal(model.wdt_load, 200000000); /* four seconds, twice */
    assert_int_equal(model.wdt_kicks, 1);
    assert_int_equal(model.nvic[0], 1u << 18);
    const uint32_t controls = model.wdt_controls;
    board_watchdog_kick();
    assert_int_equal(model.wdt_kicks, 2);
    assert_int_equal(model.wdt_controls, controls);
}

/* Its warning is taken once, and not acknowledged: that would take back the reset. */
static void test_the_watchdog_warns(void **state) {
    (void)state;
    board_init();
    board_watchdog_kick();
    assert_true(board_interrupt(18));
    assert_int_equal(model.wdt_kicks, 1);
    assert_int_equal(model.nvic[0], 0);
    board_watchdog_kick(); /* the loop goes on all the same */
    assert_int_equal(model.nvic[0], 1u << 18);
    assert_int_equal(model.frames_told, 0);
    assert_false(board_interrupt(42));
    assert_int_equal(model.frames_told, 1);
    assert_int_equal(model.nvic[0], 1u << 18);
}

/* ---- UART ---------------------------------------------------------------------------------------- */

static void test_never_waits_for_the_uart(void **state) {
    (void)state;
    static const char text[] = "what does not fit is for later";
    board_init();
    assert_int_equal(board_log_write(text, sizeof text), UART_FIFO_BYTES);
    assert_memory_equal(model.uart, text, UART_FIFO_BYTES);
    assert_int_equal(board_log_write(text, sizeof text), 0);
    model.uart_count = 0;
    assert_int_equal(board_log_write(text, 3), 3);
    assert_memory_equal(model.uart, text, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_clock, set_up),
        cmocka_unit_test_setup(test_the_voltage_of_other_revisions_stays, set_up),
        cmocka_unit_test_setup(test_clock_once_more, set_up),
        cmocka_unit_test_setup(test_a_pll_that_does_not_lock, set_up),
        cmocka_unit_test_setup(test_causes_of_resets, set_up),
        cmocka_unit_test_setup(test_watchdog, set_up),
        cmocka_unit_test_setup(test_the_watchdog_warns, set_up),
        cmocka_unit_test_setup(test_never_waits_for_the_uart, set_up),
    };
    return cmocka_run_group_tests_name("lm3s6965", tests, NULL, NULL);
}
