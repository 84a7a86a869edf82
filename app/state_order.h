/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * state_order.h: how retained state is written so that a reset between any two stores leaves what
 * was valid. A record is what its check word says: clear that, barrier, change the record, barrier,
 * set it. What a reset does to the order of stores on other cores, or in a cache, is not its job.
 */
#ifndef PINGSHOT_STATE_ORDER_H
#define PINGSHOT_STATE_ORDER_H

#include <stdint.h>
#include <string.h>

/* What was stored before it is in memory before what is stored after it, as far as the compiler
 * goes. The processor does the rest: a process that is killed leaves in a shared mapping all that it
 * has executed, and a core that retires in order leaves the same in RAM that a warm reset does not
 * clear. (atomic_signal_fence, whose header is not one of the freestanding ones.) */
static inline void state_barrier(void) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* Longer by a word: one to one in `word` for a given `check` and the other way round, so a change in
 * one word changes the end. */
static inline uint32_t state_check_word(uint32_t check, uint32_t word) {
    return ((check << 5 | check >> 27) ^ word) * 0x9e3779b1u;
}

/* The check word over `len` bytes at any address, from `seed`: a constant that tells what they are,
 * or the check word of other bytes that belong to them. Finds any single damaged word (but for one
 * damage in 2^32, since 0 is kept for "not sealed" and never returned), and others as a random
 * 32-bit number would. No protection against an attacker. Padding is part of the bytes: leave none. */
static inline uint32_t state_check(uint32_t seed, const void *bytes, uint32_t len) {
    const unsigned char *p = bytes;
    uint32_t check = seed;
    uint32_t word;
    for (; len >= sizeof word; len -= (uint32_t)sizeof word, p += sizeof word) {
        memcpy(&word, p, sizeof word);
        check = state_check_word(check, word);
    }
    word = len;
    for (; len > 0; len--) {
        word = word << 8 | *p++;
    }
    check = state_check_word(check, word);
    return check != 0 ? check : 1u;
}

#endif
