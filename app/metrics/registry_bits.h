/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_bits.h: sets of slots as bits in 32-bit words. Only files of the registry include this.
 */
#ifndef PINGSHOT_METRICS_REGISTRY_BITS_H
#define PINGSHOT_METRICS_REGISTRY_BITS_H

#include "metrics/registry.h"

static inline bool registry_bits_has(const uint32_t *words, uint32_t bit) {
    return (words[bit / 32] >> bit % 32 & 1u) != 0;
}

static inline void registry_bits_set(uint32_t *words, uint32_t bit) {
    words[bit / 32] |= UINT32_C(1) << bit % 32;
}

static inline void registry_bits_clear(uint32_t *words, uint32_t bit) {
    words[bit / 32] &= ~(UINT32_C(1) << bit % 32);
}

/* The first bit at or after `bit` that is set, words from `word_count` on not looked at;
 * REGISTRY_NONE when there is none. */
static inline uint32_t registry_bits_next(const uint32_t *words, uint32_t word_count,
                                          uint32_t bit) {
    uint32_t word = bit / 32;
    if (word >= word_count) {
        return REGISTRY_NONE;
    }
    uint32_t bits = words[word] & UINT32_MAX << bit % 32;
    while (bits == 0) {
        if (++word >= word_count) {
            return REGISTRY_NONE;
        }
        bits = words[word];
    }
    return word * 32 + (uint32_t)__builtin_ctz(bits);
}

#endif
