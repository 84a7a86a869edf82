/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * clock.c: the clocks of app/clock.h on Linux. Both are read without entering the kernel (vDSO),
 * so they need not be kept from one turn of the loop to the next.
 */
#include "clock.h"

#include "clock_sntp.h"
#include "net_clock.h"

#include <time.h>

static bool by_sntp;

uint32_t clock_monotonic_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)((uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u);
}

void clock_use_sntp(void) {
    by_sntp = true;
}

bool clock_wall_ms(int64_t *unix_ms) {
    struct timespec t;
    if (by_sntp) {
        return net_clock_wall_ms(unix_ms);
    }
    if (clock_gettime(CLOCK_REALTIME, &t) != 0) {
        return false;
    }
    *unix_ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    return true;
}
