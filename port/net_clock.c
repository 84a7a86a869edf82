/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * net_clock.c: see net_clock.h.
 */
#include "net_clock.h"

#include "clock.h"
#include "net_stack.h"

#include <stddef.h>

/* From 1970-01-01 to 2036-02-07T06:28:16Z, where NTP's 32 bits of seconds since 1900 wrap. */
#define ERA_1_UNIX_MS INT64_C(2085978496000)

/* 2^32 / 1000, rounded down. */
#define FRACTION_A_MS 4294967u

static struct {
    int64_t era_ms; /* the time at `read_ms`, since the start of era 1 */
    uint32_t read_ms;
    bool known;
    /* When net_clock_get_ntp was asked the last two times. For each answer lwIP asks when it sends
     * the request and when it has the answer, just before it sets the clock. */
    uint32_t asked_ms[2];
    void (*told)(const struct net_clock_news *news);
} state;

static int64_t now_era_ms(void) {
    uint32_t now_ms = clock_monotonic_ms();
    state.era_ms += (uint32_t)(now_ms - state.read_ms);
    state.read_ms = now_ms;
    return state.era_ms;
}

void net_clock_set_ntp(int32_t seconds, uint32_t fraction) {
    if (seconds == 0 && fraction == 0) {
        return;
    }
    state.read_ms = clock_monotonic_ms();
    state.era_ms = (int64_t)seconds * 1000 + (int64_t)(((uint64_t)fraction * 1000u) >> 32);
    const struct net_clock_news news = {
        .unix_ms = ERA_1_UNIX_MS + state.era_ms,
        .first = !state.known,
        .trip_ms = state.asked_ms[1] - state.asked_ms[0],
    };
    state.known = true;
    if (state.told != NULL) {
        state.told(&news);
    }
}

void net_clock_get_ntp(int32_t *seconds, uint32_t *fraction) {
    int64_t ms = now_era_ms();
    state.asked_ms[0] = state.asked_ms[1];
    state.asked_ms[1] = state.read_ms;
    int32_t past = (int32_t)(ms % 1000);
    if (past < 0) {
        past += 1000; /* division rounds to zero; seconds are to be rounded down */
    }
    *seconds = (int32_t)((ms - past) / 1000);
    *fraction = (uint32_t)(((uint64_t)(uint32_t)past << 32) / 1000u) +
                net_stack_random_u32() % FRACTION_A_MS;
}

bool net_clock_wall_ms(int64_t *unix_ms) {
    if (!state.known) {
        return false;
    }
    *unix_ms = ERA_1_UNIX_MS + now_era_ms();
    return true;
}

void net_clock_on_set(void (*told)(const struct net_clock_news *news)) {
    state.told = told;
}
