/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * random_numbers.h: numbers that look random and come again when random_state is set again.
 */
#ifndef PINGSHOT_TEST_RANDOM_NUMBERS_H
#define PINGSHOT_TEST_RANDOM_NUMBERS_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t random_state;

/* SplitMix64. */
static inline uint64_t random_u64(void) {
    uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* One of 0 to n - 1. */
static inline uint32_t random_below(uint32_t n) {
    return (uint32_t)(random_u64() % n);
}

/* Starts from the number in the environment variable SEED, or anew, and says from
 * which, so that a failure can be repeated. */
static inline void random_start(void) {
    const char *seed = getenv("SEED");
    random_state = seed != NULL ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
    printf("SEED=%" PRIu64 "\n", random_state);
}

#endif
