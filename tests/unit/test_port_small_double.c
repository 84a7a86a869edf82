/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_port_small_double.c: sums and comparisons of doubles of small boards, against the host's.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"

#include "../../port/cortex-m/small/double.c"

static double double_of(uint64_t bits) {
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static uint64_t bits_of(double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* Which NaN it is, nobody says. */
static void check_same(uint64_t got, double expected) {
    if (isnan(expected)) {
        assert_true(isnan(double_of(got)));
    } else {
        assert_int_equal(got, bits_of(expected));
    }
}

static void check(uint64_t a, uint64_t b) {
    const double x = double_of(a);
    const double y = double_of(b);
    check_same(double_add(a, b), x + y);
    check_same(double_subtract(a, b), x - y);
    assert_int_equal(double_equal(a, b), x == y);
    assert_int_equal(double_less(a, b), x < y);
    assert_int_equal(double_less_equal(a, b), x <= y);
    assert_int_equal(double_greater(a, b), x > y);
    assert_int_equal(double_greater_equal(a, b), x >= y);
}

static void check_signs(uint64_t a, uint64_t b) {
    check(a, b);
    check(a, b | SIGN);
    check(a | SIGN, b);
    check(a | SIGN, b | SIGN);
}

/* Fractions with ones at either end, at both, everywhere, and nowhere. */
static const uint64_t fractions[] = {
    0, 1, 2, 3, 7, HIDDEN >> 1, (HIDDEN >> 1) + 1, HIDDEN - 2, HIDDEN - 1, 0x5555555555555};

#define FRACTIONS (sizeof fractions / sizeof fractions[0])

static void check_exponents(uint64_t first, uint64_t second) {
    for (size_t i = 0; i < FRACTIONS; i++) {
        for (size_t j = 0; j < FRACTIONS; j++) {
            check_signs(first << 52 | fractions[i], second << 52 | fractions[j]);
        }
    }
}

/* Zeros, subnormals, the smallest and the largest numbers, infinities and NaNs, by each other. */
static void test_ends(void **state) {
    static const uint64_t exponents[] = {0, 1, 2, 3, 1022, 1023, 1024, 2044, 2045, 2046, 2047};
    const size_t count = sizeof exponents / sizeof exponents[0];
    (void)state;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            check_exponents(exponents[i], exponents[j]);
        }
    }
}

/* As far from each other as makes a difference, and a little farther. */
static void test_distances(void **state) {
    (void)state;
    for (uint64_t distance = 0; distance < 70; distance++) {
        check_exponents(1000 + distance, 1000);
        check_exponents(distance, 0);
        check_exponents(distance, 1);
    }
}

static void test_any(void **state) {
    uint64_t x = 1;
    (void)state;
    for (uint32_t i = 0; i < 200000; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        const uint64_t a = x ^ x >> 32;
        x = x * 6364136223846793005u + 1442695040888963407u;
        const uint64_t b = x ^ x >> 32;
        check(a, b);
        check(a, (a & INFINITE) | (b & ~INFINITE)); /* equal exponents: most is cancelled */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_distances),
        cmocka_unit_test(test_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
