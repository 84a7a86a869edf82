/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_number.c: number_format and number_parse against the C library's exact conversions.
 * A run checks a sample under a seed it prints; `SEED=n` repeats one, and PINGSHOT_TEST_SCALE=100
 * takes a sample a hundred times as large.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "metrics/number.h"
#include "random_numbers.h"

#define EXACT_TEXT_BYTES 1300

static uint32_t scale = 1;

static uint64_t bits_of(double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static double from_bits(uint64_t bits) {
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static double random_double(void) {
    for (;;) {
        double v = from_bits(random_u64());
        if (isfinite(v)) {
            return v;
        }
    }
}

/* A text in memory of just its size, so that a byte read too many is seen. */
static bool parse(const char *text, double *v) {
    size_t len = strlen(text);
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    bool ok = number_parse((struct slice){copy, (uint32_t)len}, v);
    free(copy);
    return ok;
}

/* Formats in a buffer of just the size promised, into a string. */
static uint32_t format(char text[NUMBER_TEXT_BYTES + 1], double v) {
    char *buffer = malloc(NUMBER_TEXT_BYTES);
    assert_non_null(buffer);
    uint32_t len = number_format(buffer, v);
    assert_in_range(len, 1, NUMBER_TEXT_BYTES);
    memcpy(text, buffer, len);
    text[len] = '\0';
    free(buffer);
    return len;
}

static void expect_format(double v, const char *expected) {
    char text[NUMBER_TEXT_BYTES + 1];
    format(text, v);
    assert_string_equal(text, expected);
}

/* What strtod makes of it, which is exact in glibc. */
static void expect_as_strtod(const char *text) {
    double expected = strtod(text, NULL);
    double v = -12345.0;
    bool ok = parse(text, &v);
    if (isinf(expected)) {
        if (ok || bits_of(v) != bits_of(-12345.0)) {
            fail_msg("%s: taken as %a, should be refused", text, v);
        }
    } else if (!ok || bits_of(v) != bits_of(expected)) {
        fail_msg("%s: %d %a, should be %a", text, ok, v, expected);
    }
}

/* ---- printing: layout ------------------------------------------------------------------- */

static void format_integers(void **state) {
    (void)state;
    expect_format(0.0, "0");
    expect_format(-0.0, "-0");
    for (uint64_t power = 1; power < UINT64_C(10000000000000000); power *= 10) {
        for (int64_t offset = -1; offset <= 1; offset++) {
            char expected[32];
            double v = (double)((int64_t)power + offset);
            snprintf(expected, sizeof expected, "%.0f", v);
            expect_format(v, expected);
            snprintf(expected, sizeof expected, "%.0f", -v);
            expect_format(-v, expected);
        }
    }
    expect_format(4294967295.0, "4294967295");
    expect_format(4294967296.0, "4294967296");
    expect_format(9007199254740991.0, "9007199254740991");
    expect_format(9007199254740992.0, "9007199254740992");
    expect_format(9007199254740994.0, "9007199254740994");
    for (uint32_t i = 0; i < 200000; i++) {
        char expected[32];
        uint64_t v = random_u64() >> (11 + random_below(53));
        snprintf(expected, sizeof expected, "%llu", (unsigned long long)v);
        expect_format((double)v, expected);
    }
}

static void format_layout(void **state) {
    (void)state;
    expect_format(42.5, "42.5");
    expect_format(-42.5, "-42.5");
    expect_format(0.1, "0.1");
    expect_format(0.3, "0.3");
    expect_format(0.1 + 0.2, "0.30000000000000004");
    expect_format(1.0 / 3.0, "0.3333333333333333");
    expect_format(123456.789, "123456.789");
    expect_format(1e15 + 0.5, "1000000000000000.5");
    expect_format(1699999999.123, "1699999999.123");
    /* Where plain digits end and exponents begin. */
    expect_format(1e20, "100000000000000000000");
    expect_format(123456789012345680000.0, "123456789012345680000");
    expect_format(999999999999999900000.0, "999999999999999900000");
    expect_format(1e21, "1e+21");
    expect_format(-1.5e21, "-1.5e+21");
    expect_format(0.001, "0.001");
    expect_format(1e-6, "0.000001");
    expect_format(1.5e-6, "0.0000015");
    expect_format(9.99e-7, "9.99e-07");
    expect_format(1e-7, "1e-07");
    expect_format(1.5e-7, "1.5e-07");
    expect_format(1e-99, "1e-99");
    expect_format(1e99, "1e+99");
    expect_format(1e-100, "1e-100");
    expect_format(1e100, "1e+100");
    expect_format(-0.0000012345678901234567, "-0.0000012345678901234567");
    assert_int_equal(strlen("-0.0000012345678901234567"), NUMBER_TEXT_BYTES);
}

static void format_extremes(void **state) {
    (void)state;
    expect_format(5e-324, "5e-324");
    expect_format(1e-323, "1e-323");
    expect_format(1.5e-323, "1.5e-323");
    expect_format(2.225073858507201e-308, "2.225073858507201e-308");
    expect_format(DBL_MIN, "2.2250738585072014e-308");
    expect_format(DBL_MAX, "1.7976931348623157e+308");
    expect_format(-DBL_MAX, "-1.7976931348623157e+308");
    expect_format(HUGE_VAL, "+Inf");
    expect_format(-HUGE_VAL, "-Inf");
    expect_format((double)NAN, "NaN");
    expect_format(-(double)NAN, "NaN");
    expect_format(from_bits(UINT64_C(0x7ff0000000000001)), "NaN");
    expect_format(from_bits(UINT64_C(0xffffffffffffffff)), "NaN");
    /* Known to be hard for one algorithm or another. */
    expect_format(2e23, "2e+23");
    expect_format(9e23, "9e+23");
    expect_format(1e23, "1e+23");
    expect_format(9.5367431640625e-7, "9.5367431640625e-07");
    expect_format(8.41e21, "8.41e+21");
    expect_format(2.0e-323, "2e-323");
    expect_format(9007199254740993.0 * 1024.0, "9223372036854776000");
    expect_format(4.35, "4.35");
    expect_format(5.764607523034235e39, "5.764607523034235e+39");
    expect_format(1.152921504606847e40, "1.152921504606847e+40");
    expect_format(2.98023223876953125e-8, "2.9802322387695312e-08");
}

/* ---- printing: shortest and closest ----------------------------------------------------- */

/* The significant digits and the exponent of what number_format wrote, by its own text alone. */
static int32_t significant(const char *text, char digits[32]) {
    uint32_t n = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text >= '0' && *text <= '9' && (n > 0 || *text != '0')) {
            digits[n++] = *text;
        }
    }
    while (n > 1 && digits[n - 1] == '0') {
        n--;
    }
    digits[n] = '\0';
    return (int32_t)n;
}

/* The decimal of `n` digits that is closest to v, as digits. */
static double closest(double v, int32_t n, char digits[32]) {
    char text[48];
    snprintf(text, sizeof text, "%.*e", n - 1, v);
    significant(text, digits);
    return strtod(text, NULL);
}

/* The same one unit in its last place further from zero. */
static double next_outward(double v, int32_t n, char digits[32]) {
    char text[48];
    snprintf(text, sizeof text, "%.*e", n - 1, fabs(v));
    char *end = strchr(text, 'e');
    char *at = end - 1;
    while (at >= text && (*at == '9' || *at == '.')) {
        if (*at == '9') {
            *at = '0';
        }
        at--;
    }
    if (at < text) {
        return 0.0; /* 9.99 to 10.0: a shorter one, tried before */
    }
    ++*at;
    significant(text, digits);
    return copysign(strtod(text, NULL), v);
}

static bool is_power_of_two(double v) {
    return (bits_of(v) & UINT64_C(0xfffffffffffff)) == 0;
}

static void check_format(double v) {
    char text[NUMBER_TEXT_BYTES + 1];
    char digits[32];
    char expected[32];
    format(text, v);
    double back = 0.0;
    if (!parse(text, &back) || bits_of(back) != bits_of(v) ||
        bits_of(strtod(text, NULL)) != bits_of(v)) {
        fail_msg("%a printed as %s, read back as %a", v, text, back);
    }
    int32_t n = significant(text, digits);
    if (n > 1 && bits_of(closest(v, n - 1, expected)) == bits_of(v)) {
        fail_msg("%a printed as %s, but %s is shorter", v, text, expected);
    }
    double best = closest(v, n, expected);
    if (is_power_of_two(v)) {
        /* The interval is lopsided: the closest decimal may be outside it, below, while
         * one above is inside. */
        char other[32];
        if (n > 1 && bits_of(next_outward(v, n - 1, other)) == bits_of(v)) {
            fail_msg("%a printed as %s, but %s is shorter", v, text, other);
        }
        if (bits_of(best) != bits_of(v)) {
            next_outward(v, n, expected);
        }
    }
    if (strcmp(digits, expected) != 0) {
        fail_msg("%a printed as %s, but %s is closer", v, text, expected);
    }
}

static void format_is_shortest_powers(void **state) {
    (void)state;
    for (int e = -1074; e <= 1023; e++) {
        double v = ldexp(1.0, e);
        check_format(v);
        check_format(-v);
        check_format(nextafter(v, HUGE_VAL));
        if (e > -1074) {
            check_format(nextafter(v, 0.0));
        }
    }
    for (int e = -323; e <= 308; e++) {
        char text[16];
        snprintf(text, sizeof text, "1e%d", e);
        double v = strtod(text, NULL);
        check_format(v);
        check_format(nextafter(v, HUGE_VAL));
        check_format(nextafter(v, 0.0));
    }
    for (uint64_t c = 1; c < 2000; c++) {
        check_format(from_bits(c)); /* the smallest */
    }
}

static void format_is_shortest_random(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 150000 * scale; i++) {
        check_format(random_double());
    }
    for (uint32_t i = 0; i < 50000 * scale; i++) {
        check_format((double)(random_u64() >> random_below(40)) / 1e6);
    }
    for (uint32_t i = 0; i < 20000 * scale; i++) {
        check_format(from_bits((random_u64() >> (12 + random_below(40))) | 1u));
    }
}

static void format_keeps_short_decimals(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 200000; i++) {
        char text[32];
        char expected[32];
        uint32_t digits = random_below(1000000000);
        snprintf(text, sizeof text, "%u.%03u", digits, 1 + 10 * random_below(99));
        expect_format(strtod(text, NULL), text);
        snprintf(expected, sizeof expected, "0.00%u", digits | 1u);
        if (digits % 10 != 9 && (digits | 1u) % 10 != 0) {
            expect_format(strtod(expected, NULL), expected);
        }
    }
}

static void round_trip_random(void **state) {
    (void)state;
    char text[NUMBER_TEXT_BYTES];
    uint32_t longest = 0;
    for (uint32_t i = 0; i < 2000000 * scale; i++) {
        double v = random_double();
        double back = 0.0;
        uint32_t len = number_format(text, v);
        if (!number_parse((struct slice){text, len}, &back) || bits_of(back) != bits_of(v)) {
            fail_msg("%a printed as %.*s, read back as %a", v, (int)len, text, back);
        }
        longest = len > longest ? len : longest;
    }
    assert_in_range(longest, 24, NUMBER_TEXT_BYTES);
}

/* ---- reading: what is a number ---------------------------------------------------------- */

/* Calls `check` with each of the texts that are separated by '|'. */
static void for_each(const char *texts, void (*check)(const char *)) {
    for (;;) {
        char text[64];
        size_t len = strcspn(texts, "|");
        assert_in_range(len, 1, sizeof text - 1);
        memcpy(text, texts, len);
        text[len] = '\0';
        check(text);
        if (texts[len] == '\0') {
            return;
        }
        texts += len + 1;
    }
}

static void expect_finite(const char *text) {
    assert_true(isfinite(strtod(text, NULL)));
    expect_as_strtod(text);
}

static void expect_refused(const char *text) {
    double v = 99.0;
    if (parse(text, &v) || bits_of(v) != bits_of(99.0)) {
        fail_msg("\"%s\" taken as %a", text, v);
    }
}

static void parse_takes(void **state) {
    (void)state;
    static const char cases[] =
        "0|-0|+0|1|+1|-1|007|5.|.5|-.5|+5.e1|1.50|1e3|1E3|1e+3|1e-3|1e0003|"
        "0e999999999999999999999|-0e5|0.000e400|-1e-400|1e-999999999999999999999|123456789|"
        "9007199254740993|18446744073709551615|18446744073709551616|9999999999999999999|"
        "10000000000000000000|42.5|1e22|1e23|3e-22|1.7976931348623157e308|"
        "1.7976931348623158e308|4.9e-324|2.5e-324|2.4e-324|2.2250738585072011e-308|"
        "1.00000000000000000000000000000";
    for_each(cases, expect_finite);
    static const char *const infinities[] = {"Inf",       "inf",      "+Inf",     "INF",      "iNf",
                                             "+infinity", "Infinity", "INFINITY", "+iNFiNiTy"};
    for (size_t i = 0; i < sizeof infinities / sizeof infinities[0]; i++) {
        char negative[16];
        double v = 99.0;
        assert_true(parse(infinities[i], &v));
        assert_true(isinf(v) && v > 0);
        snprintf(negative, sizeof negative, "-%s", infinities[i] + (infinities[i][0] == '+'));
        assert_true(parse(negative, &v));
        assert_true(isinf(v) && v < 0);
    }
    static const char *const not_a_number[] = {"NaN", "nan", "NAN", "nAn"};
    for (size_t i = 0; i < sizeof not_a_number / sizeof not_a_number[0]; i++) {
        double v = 99.0;
        assert_true(parse(not_a_number[i], &v));
        assert_true(isnan(v));
    }
}

static void parse_refuses(void **state) {
    (void)state;
    static const char cases[] =
        " | 1|1 |\t1|1\n|+|-|.|+.|-.|..|1..|1.2.3|.e1|e|e1|E5|+e5|1e|1e+|1e-|1e 5|1e5.|1e5.0|"
        "1e5e5|1e++5|1e+-5|--1|++1|+-1|-+1|- 1|1-|1+|1+1|0x10|0x1p4|0X1|0b1|0o7|1_000|_1|1_|"
        "1,5|1,000|1f|1.0f|1d|1L|0x|x|abc|i|in|infi|infinit|infinityy|Inff|inf1|1inf|In f|"
        "+ Inf|++Inf|na|nann|nan1|+NaN|-NaN|-nan|nan(1)|null|true|1e309|-1e309|1e400|"
        "1e999999999999999999999|2e308|1.7976931348623159e308|\xe2\x88\x9e|\xd9\xa1|1\x80|"
        "(1)|\"1\"|1;|#1";
    for_each(cases, expect_refused);
    double v = 99.0;
    assert_false(number_parse(SLICE(""), &v));
    assert_false(number_parse(SLICE("1\0"), &v));
    assert_false(number_parse(SLICE("\0"), &v));
    assert_false(number_parse((struct slice){NULL, 0}, &v));
    assert_false(number_parse(SLICE("1\0002"), &v));
}

/* Every byte after, before and instead of a digit: only those of the grammar pass. */
static void parse_every_byte(void **state) {
    (void)state;
    for (int c = 0; c < 256; c++) {
        char after[2] = {'1', (char)c};
        char before[2] = {(char)c, '1'};
        double v;
        bool digit = c >= '0' && c <= '9';
        assert_int_equal(number_parse((struct slice){after, 2}, &v), digit || c == '.');
        assert_int_equal(number_parse((struct slice){before, 2}, &v),
                         digit || c == '.' || c == '+' || c == '-');
        assert_int_equal(number_parse((struct slice){before, 1}, &v), digit);
    }
}

/* ---- reading: the nearest double -------------------------------------------------------- */

static void parse_every_power(void **state) {
    (void)state;
    static const char *const digits[] = {"1",
                                         "9",
                                         "17",
                                         "9007199254740993",
                                         "1844674407370955161",
                                         "9999999999999999999",
                                         "12345678901234567890123"};
    for (int e = -400; e <= 330; e++) {
        for (size_t i = 0; i < sizeof digits / sizeof digits[0]; i++) {
            char text[64];
            snprintf(text, sizeof text, "%se%d", digits[i], e);
            expect_as_strtod(text);
            snprintf(text, sizeof text, "-0.000%se%d", digits[i], e);
            expect_as_strtod(text);
        }
    }
}

static void parse_random_digits(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 300000 * scale; i++) {
        char text[96];
        uint32_t n = 0;
        uint32_t len = 1 + random_below(random_below(2) ? 24 : 60);
        uint32_t point = random_below(len + 1);
        for (uint32_t k = 0; k < len; k++) {
            if (k == point) {
                text[n++] = '.';
            }
            text[n++] = (char)('0' + random_below(10));
        }
        if (random_below(4) != 0) {
            int e = (int)random_below(700) - 370;
            snprintf(text + n, sizeof text - n, "e%d", random_below(2) ? e : e / 16);
        } else {
            text[n] = '\0';
        }
        expect_as_strtod(text);
    }
    for (uint32_t i = 0; i < 200000 * scale; i++) {
        char text[48];
        snprintf(text, sizeof text, "%.*e", 14 + (int)random_below(7), random_double());
        expect_as_strtod(text);
    }
}

#if LDBL_MANT_DIG >= 64
/* Exactly half way between |v| and the next double, and a hair to either side of it. */
static void check_half_way(double v) {
    static char text[EXACT_TEXT_BYTES + 64];
    long double half = (long double)fabs(v);
    double above = nextafter(fabs(v), HUGE_VAL);
    half += isinf(above) ? ldexpl(1.0L, 970) : ((long double)above - half) / 2;
    snprintf(text, EXACT_TEXT_BYTES, "%.1100Le", half);
    char *e = strchr(text, 'e');
    char exponent[16];
    snprintf(exponent, sizeof exponent, "%s", e);
    expect_as_strtod(text);
    char *end = e;
    while (end[-1] == '0') {
        end--;
    }
    assert_int_not_equal(end[-1], '.');
    uint32_t zeros = random_below(40);
    snprintf(end, 64, "%s", exponent); /* all its digits and no more */
    expect_as_strtod(text);
    snprintf(end, 64, "%0*d%s", (int)zeros + 1, 1, exponent); /* more, far behind */
    expect_as_strtod(text);
    snprintf(end, 64, "%0*d%s", (int)zeros + 1, 0, exponent); /* more, but zeros */
    expect_as_strtod(text);
    end[-1]--;
    snprintf(end, 64, "%0*d%s", (int)zeros + 1, 9, exponent); /* less */
    expect_as_strtod(text);
    memset(end, '9', zeros + 1);
    snprintf(end + zeros + 1, 20, "%s", exponent); /* just less */
    expect_as_strtod(text);
}

static void parse_half_way(void **state) {
    (void)state;
    check_half_way(0.0);
    check_half_way(5e-324);
    check_half_way(DBL_MIN);
    check_half_way(nextafter(DBL_MIN, 0.0));
    check_half_way(DBL_MAX); /* the first value that is refused */
    check_half_way(nextafter(DBL_MAX, 0.0));
    check_half_way(1.0);
    check_half_way(9007199254740992.0);
    check_half_way(4503599627370496.0);
    for (uint32_t i = 0; i < 1500 * scale; i++) {
        check_half_way(random_double());
        check_half_way(from_bits(random_u64() >> (12 + random_below(52))));
        check_half_way((double)(random_u64() >> random_below(60)) / 1024.0);
    }
}
#endif

/* The most digits that half way can have, 767, and one of many more that are kept or not. */
static void parse_many_digits(void **state) {
    (void)state;
    static char text[70000];
    static const uint32_t lengths[] = {766, 767, 768, 769, 770, 800, 3000, 65000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint32_t len = lengths[i];
        memset(text, '3', len);
        snprintf(text + len, 32, "e-%u", len);
        expect_as_strtod(text);
        text[1] = '.';
        snprintf(text + len, 32, "e%d", -300);
        expect_as_strtod(text);
        memset(text, '0', len); /* 1, zeros, point, zeros, then something */
        text[0] = '1';
        snprintf(text + len, 32, "1e-%u", len);
        expect_as_strtod(text);
        text[0] = '0'; /* zeros only, then something */
        text[1] = '.';
        snprintf(text + len, 32, "1e%u", len);
        expect_as_strtod(text);
    }
    /* 2^53 + 1 is half way; a digit at any distance tips it. */
    for (uint32_t zeros = 0; zeros < 1000; zeros += 7) {
        memcpy(text, "9007199254740993.", 17);
        memset(text + 17, '0', zeros);
        text[17 + zeros] = '\0';
        expect_as_strtod(text);
        memcpy(text + 17 + zeros, "1", 2);
        expect_as_strtod(text);
        memcpy(text + 17 + zeros, "00", 3);
        expect_as_strtod(text);
    }
}

static void test_thousandths(void **state) {
    (void)state;
    assert_int_equal(number_thousandths(0.001), 1);
    assert_int_equal(number_thousandths(0.0014999), 1);
    assert_int_equal(number_thousandths(0.0015001), 2);
    assert_int_equal(number_thousandths(1.0), 1000);
    assert_int_equal(number_thousandths(9.9999), 10000);
    assert_int_equal(number_thousandths(14.995), 14995);
    assert_int_equal(number_thousandths(86400.0), 86400000);
    assert_int_equal(number_thousandths(4e6), 4000000000u);
    for (uint32_t ms = 1; ms < 4000000000u; ms += 1 + ms / 50u) {
        assert_int_equal(number_thousandths(ms / 1000.0), ms);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thousandths),
        cmocka_unit_test(format_integers),
        cmocka_unit_test(format_layout),
        cmocka_unit_test(format_extremes),
        cmocka_unit_test(format_is_shortest_powers),
        cmocka_unit_test(format_is_shortest_random),
        cmocka_unit_test(format_keeps_short_decimals),
        cmocka_unit_test(round_trip_random),
        cmocka_unit_test(parse_takes),
        cmocka_unit_test(parse_refuses),
        cmocka_unit_test(parse_every_byte),
        cmocka_unit_test(parse_every_power),
        cmocka_unit_test(parse_random_digits),
#if LDBL_MANT_DIG >= 64
        cmocka_unit_test(parse_half_way),
#endif
        cmocka_unit_test(parse_many_digits),
    };
    random_start();
    if (getenv("PINGSHOT_TEST_SCALE") != NULL) {
        scale = (uint32_t)strtoul(getenv("PINGSHOT_TEST_SCALE"), NULL, 0);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
