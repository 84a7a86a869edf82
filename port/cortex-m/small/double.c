/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * double.c: sums and comparisons of doubles for a processor without them, in half the size of the
 * compiler's own: IEEE 754-2019 binary64, rounded to the nearest, to even between two (section
 * 4.3.1). The compiler calls them by the names of the Run-time ABI for the Arm Architecture,
 * section 4.1.2, where a double is passed like an integer of 64 bits.
 */
#include <stdbool.h>
#include <stdint.h>

uint64_t double_add(uint64_t a, uint64_t b) __asm("__aeabi_dadd");
uint64_t double_subtract(uint64_t a, uint64_t b) __asm("__aeabi_dsub");
int double_equal(uint64_t a, uint64_t b) __asm("__aeabi_dcmpeq");
int double_less(uint64_t a, uint64_t b) __asm("__aeabi_dcmplt");
int double_less_equal(uint64_t a, uint64_t b) __asm("__aeabi_dcmple");
int double_greater(uint64_t a, uint64_t b) __asm("__aeabi_dcmpgt");
int double_greater_equal(uint64_t a, uint64_t b) __asm("__aeabi_dcmpge");

#define SIGN (UINT64_C(1) << 63)
#define INFINITE (UINT64_C(0x7ff) << 52)
#define QUIET (UINT64_C(1) << 51)
#define HIDDEN (UINT64_C(1) << 52)

/* A significand has three bits more below its last while it is computed. The lowest stands for all
 * that were lost below it. */
#define MORE_BITS 3u
#define TOP (HIDDEN << MORE_BITS)

struct parts {
    uint64_t significand;
    uint32_t exponent; /* as it is encoded; of a subnormal 1, like the smallest normal's */
};

static struct parts take_apart(uint64_t size) {
    const uint32_t exponent = (uint32_t)(size >> 52);
    const uint64_t fraction = size & (HIDDEN - 1);
    if (exponent == 0) {
        return (struct parts){fraction << MORE_BITS, 1};
    }
    return (struct parts){(fraction | HIDDEN) << MORE_BITS, exponent};
}

static uint64_t halve(uint64_t significand) {
    return significand >> 1 | (significand & 1u);
}

/* What is too large is infinite; a carry out of the significand makes the exponent larger by
 * itself, and one that lacks its hidden bit makes it 0. */
static uint64_t put_together(struct parts p) {
    if (p.significand >= TOP << 1) {
        p.significand = halve(p.significand);
        p.exponent++;
    }
    while (p.significand < TOP && p.exponent > 1) {
        p.significand <<= 1;
        p.exponent--;
    }
    const uint64_t odd = p.significand >> MORE_BITS & 1u;
    const uint64_t rounded = (p.significand + 3u + odd) >> MORE_BITS;
    const uint64_t size = ((uint64_t)(p.exponent - 1) << 52) + rounded;
    return size < INFINITE ? size : INFINITE;
}

static uint64_t size_of(uint64_t v) {
    return v & ~SIGN;
}

/* The larger one first, both finite. */
static uint64_t add_finite(uint64_t large, uint64_t small) {
    struct parts sum = take_apart(size_of(large));
    struct parts other = take_apart(size_of(small));
    for (; other.exponent < sum.exponent && other.significand > 1; other.exponent++) {
        other.significand = halve(other.significand);
    }
    if (((large ^ small) & SIGN) == 0) {
        sum.significand += other.significand;
    } else {
        sum.significand -= other.significand;
        if (sum.significand == 0) {
            return 0; /* not -0 */
        }
    }
    return put_together(sum) | (large & SIGN);
}

uint64_t double_add(uint64_t a, uint64_t b) {
    const uint64_t large = size_of(a) < size_of(b) ? b : a;
    const uint64_t small = size_of(a) < size_of(b) ? a : b;
    if (size_of(large) < INFINITE) {
        return add_finite(large, small);
    }
    const bool opposite = (large ^ small) == SIGN;
    return size_of(large) > INFINITE || opposite ? large | QUIET : large;
}

uint64_t double_subtract(uint64_t a, uint64_t b) {
    return double_add(a, b ^ SIGN);
}

enum order { LESS, EQUAL, GREATER, UNORDERED };

/* Numbers of one sign are in the order of their encodings; a NaN is in none with anything. */
static int64_t place(uint64_t v) {
    const int64_t size = (int64_t)size_of(v);
    return (v & SIGN) != 0 ? -size : size;
}

static enum order order(uint64_t a, uint64_t b) {
    if (size_of(a) > INFINITE || size_of(b) > INFINITE) {
        return UNORDERED;
    }
    if (place(a) == place(b)) {
        return EQUAL;
    }
    return place(a) < place(b) ? LESS : GREATER;
}

int double_equal(uint64_t a, uint64_t b) {
    return order(a, b) == EQUAL;
}

int double_less(uint64_t a, uint64_t b) {
    return order(a, b) == LESS;
}

int double_less_equal(uint64_t a, uint64_t b) {
    return order(a, b) <= EQUAL;
}

int double_greater(uint64_t a, uint64_t b) {
    return order(a, b) == GREATER;
}

int double_greater_equal(uint64_t a, uint64_t b) {
    return order(b, a) <= EQUAL;
}
