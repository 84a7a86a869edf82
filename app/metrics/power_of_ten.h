/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * power_of_ten.h: the powers of ten to 128 bits, for number.c, and the arithmetic around them.
 */
#ifndef PINGSHOT_POWER_OF_TEN_H
#define PINGSHOT_POWER_OF_TEN_H

#include <stdbool.h>
#include <stdint.h>

#define POWER_OF_TEN_MIN (-351)
#define POWER_OF_TEN_MAX 350
#define POWER_OF_TEN_FIVES 27

/* high * 2^64 + low */
struct wide {
    uint64_t high;
    uint64_t low;
};

static inline struct wide power_of_ten_multiply(uint64_t a, uint64_t b) {
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 uint128;
    uint128 product = (uint128)a * b;
    return (struct wide){(uint64_t)(product >> 64), (uint64_t)product};
#else
    uint64_t a_low = (uint32_t)a;
    uint64_t b_low = (uint32_t)b;
    uint64_t a_high = a >> 32;
    uint64_t b_high = b >> 32;
    uint64_t low = a_low * b_low;
    uint64_t middle = a_high * b_low + (low >> 32);
    uint64_t other = a_low * b_high + (uint32_t)middle;
    return (struct wide){a_high * b_high + (middle >> 32) + (other >> 32),
                         other << 32 | (uint32_t)low};
#endif
}

/* floor((x * factor + offset) / 2^shift), of which x may be negative: C leaves the shift of a
 * negative number to the compiler, so 2048 is added before it and taken off after. Good while
 * the sum is within 2^(shift+11) and `shift` at most 20. */
static inline int32_t power_of_ten_floor(int32_t x, int32_t factor, int32_t offset,
                                         uint32_t shift) {
    uint32_t sum = (uint32_t)(x * factor + offset) + (UINT32_C(2048) << shift);
    return (int32_t)(sum >> shift) - 2048;
}

/* floor(log2(10^e)), right for every e of a double's range. */
static inline int32_t power_of_ten_log2(int32_t e) {
    return power_of_ten_floor(e, 217706, 0, 16);
}

/* 10^e / 2^(power_of_ten_log2(e) - 127), rounded down: 128 bits of which the highest is set.
 * POWER_OF_TEN_MIN <= e <= POWER_OF_TEN_MAX. */
struct wide power_of_ten(int32_t e);

/* True when those bits are all there is of it. */
static inline bool power_of_ten_is_exact(int32_t e) {
    return e >= 0 && e <= 55;
}

/* 5^n for n < POWER_OF_TEN_FIVES. */
extern const uint64_t power_of_ten_fives[POWER_OF_TEN_FIVES];

#endif
