/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * division_check.c: runs port/cortex-m/small/division.S on its processor, in QEMU, against what
 * division is: quotient times divisor and remainder are the dividend, and the remainder is less than
 * the divisor. Numbers of every length, around every power of two, by each other. test_memory.py
 * builds and runs it. It ends with status 0, or with the number of the case that failed.
 */
#include "qemu_check.h"

#include <stdbool.h>
#include <stddef.h>

enum { BITS = 64, AROUND = 4, VALUES = BITS * AROUND };

static uint64_t values[VALUES];

struct divided {
    uint64_t quotient;
    uint64_t remainder;
};

/* A compiler may ask for a quotient alone: so both are taken from where they come back. */
static struct divided divide(uint64_t n, uint64_t d) {
    register uint64_t first __asm("r0") = n;
    register uint64_t second __asm("r2") = d;
    __asm volatile("bl __aeabi_uldivmod" : "+r"(first), "+r"(second) : : "ip", "lr", "cc");
    return (struct divided){first, second};
}

static struct divided divide_signed(int64_t n, int64_t d) {
    register int64_t first __asm("r0") = n;
    register int64_t second __asm("r2") = d;
    __asm volatile("bl __aeabi_ldivmod" : "+r"(first), "+r"(second) : : "ip", "lr", "cc");
    return (struct divided){(uint64_t)first, (uint64_t)second};
}

static void check_unsigned(uint64_t n, uint64_t d) {
    const struct divided is = divide(n, d);
    if (is.remainder >= d) {
        finish(1);
    }
    if (is.quotient > n || is.quotient * d + is.remainder != n) {
        finish(2);
    }
}

static uint64_t magnitude(int64_t v) {
    return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

static bool is_signed(uint64_t v, uint64_t size, bool negative) {
    return v == (negative ? 0 - size : size);
}

static void check_signed(int64_t n, int64_t d) {
    const struct divided size = divide(magnitude(n), magnitude(d));
    const struct divided is = divide_signed(n, d);
    if (!is_signed(is.quotient, size.quotient, (n < 0) != (d < 0))) {
        finish(3);
    }
    if (!is_signed(is.remainder, size.remainder, n < 0)) {
        finish(4);
    }
}

/* 2^bit - 1, 2^bit, 2^bit + 1 (the first 0), and a number of that length that looks like none. */
static void make_values(void) {
    uint64_t mixed = 0x9e3779b97f4a7c15u;
    for (size_t bit = 0; bit < BITS; bit++) {
        const uint64_t power = UINT64_C(1) << bit;
        mixed = mixed * 6364136223846793005u + 1442695040888963407u;
        values[bit * AROUND] = power - 1;
        values[bit * AROUND + 1] = power;
        values[bit * AROUND + 2] = power + 1;
        values[bit * AROUND + 3] = (mixed & (power - 1)) | power;
    }
}

void start(void) {
    make_values();
    for (size_t i = 0; i < VALUES; i++) {
        for (size_t j = 0; j < VALUES; j++) {
            if (values[j] != 0) {
                check_unsigned(values[i], values[j]);
                check_signed((int64_t)values[i], (int64_t)values[j]);
                check_signed((int64_t)(0 - values[i]), (int64_t)values[j]);
            }
        }
    }
    finish(0);
}
