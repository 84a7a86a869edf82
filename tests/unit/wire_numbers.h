/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wire_numbers.h: numbers as they stand in packets: the highest byte first, at any address.
 */
#ifndef PINGSHOT_TEST_WIRE_NUMBERS_H
#define PINGSHOT_TEST_WIRE_NUMBERS_H

#include <stdint.h>

static inline void put16(uint8_t *at, uint32_t x) {
    at[0] = (uint8_t)(x >> 8);
    at[1] = (uint8_t)x;
}

static inline void put32(uint8_t *at, uint32_t x) {
    put16(at, x >> 16);
    put16(at + 2, x);
}

static inline uint32_t get16(const uint8_t *at) {
    return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t get32(const uint8_t *at) {
    return get16(at) << 16 | get16(at + 2);
}

#endif
