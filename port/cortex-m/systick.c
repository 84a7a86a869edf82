/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * systick.c: see systick.h.
 */
#include "systick.h"

#include "clock.h"
#include "core.h"
#include "net_clock.h"

static volatile uint32_t now_ms;

void systick_start(uint32_t cpu_hz) {
    SYST_RVR = cpu_hz / 1000u - 1u;
    SYST_CVR = 0;
    SYST_CSR = SYST_CSR_ENABLE | SYST_CSR_TICKINT | SYST_CSR_CLKSOURCE;
}

void systick_interrupt(void) {
    now_ms++;
}

uint32_t clock_monotonic_ms(void) {
    return now_ms;
}

bool clock_wall_ms(int64_t *unix_ms) {
    return net_clock_wall_ms(unix_ms);
}
