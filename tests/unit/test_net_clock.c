/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_net_clock.c: wall time carried on from what SNTP said, over the wraps of every counter.
 */
#include "net_clock.h"

#include "clock.h"
#include "net_stack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define UNIX_AT_ERA_0 (-INT64_C(2208988800)) /* 1900-01-01 */
#define UNIX_AT_ERA_1 INT64_C(2085978496)    /* 2036-02-07T06:28:16Z */

static uint32_t now_ms = UINT32_MAX - 5000; /* about to wrap */
static struct net_clock_news told;
static int told_count;

uint32_t clock_monotonic_ms(void) {
    return now_ms;
}

static void tell(const struct net_clock_news *news) {
    told = *news;
    told_count++;
}

static int64_t wall_ms(void) {
    int64_t unix_ms = 0;
    assert_true(net_clock_wall_ms(&unix_ms));
    return unix_ms;
}

/* Sets the clock to seconds and milliseconds since 1970, as a server counts them: 32 bits of
 * seconds since 1900, whatever era that is. */
static void set(int64_t unix_s, uint32_t ms) {
    uint32_t since_1900 = (uint32_t)(unix_s - UNIX_AT_ERA_0);
    net_clock_set_ntp((int32_t)since_1900, (uint32_t)(((uint64_t)ms << 32) / 1000u) + 1u);
}

/* What get_ntp says, in whole milliseconds since 1970. */
static int64_t ntp_ms(void) {
    int32_t seconds;
    uint32_t fraction;
    net_clock_get_ntp(&seconds, &fraction);
    return (UNIX_AT_ERA_1 + seconds) * 1000 + (int64_t)(((uint64_t)fraction * 1000u) >> 32);
}

static int start(void **state) {
    static struct random rng;
    static const uint8_t seed[RANDOM_SEED_BYTES] = {7};
    (void)state;
    random_seed(&rng, seed);
    net_stack_init(&(struct net_stack_config){.rng = &rng});
    return 0;
}

/* The first test, for nothing sets the clock back to that. */
static void unknown_until_set(void **state) {
    int64_t unix_ms = 42;
    (void)state;
    assert_false(net_clock_wall_ms(&unix_ms));
    assert_int_equal(unix_ms, 42);

    int64_t before_ms = ntp_ms(); /* it runs all the same, for lwIP to measure the way with */
    now_ms += 6000;
    assert_int_equal(ntp_ms() - before_ms, 6000);
    assert_false(net_clock_wall_ms(&unix_ms));

    net_clock_set_ntp(0, 0); /* a server that does not know */
    assert_false(net_clock_wall_ms(&unix_ms));
}

static void settings_are_told(void **state) {
    (void)state;
    net_clock_on_set(tell);
    ntp_ms(); /* the request */
    now_ms += 70;
    ntp_ms(); /* its answer */
    set(1764000000, 250);
    assert_int_equal(told_count, 1);
    assert_true(told.first);
    assert_int_equal(told.unix_ms, INT64_C(1764000000250));
    assert_int_equal(told.trip_ms, 70);
    ntp_ms();
    ntp_ms();
    set(1764000001, 0);
    assert_int_equal(told_count, 2);
    assert_false(told.first);
    assert_int_equal(told.unix_ms, INT64_C(1764000001000));
    assert_int_equal(told.trip_ms, 0);
    net_clock_set_ntp(0, 0); /* changes nothing now either */
    assert_int_equal(told_count, 2);
    assert_int_equal(wall_ms(), INT64_C(1764000001000));
}

static void runs_on(void **state) {
    (void)state;
    now_ms = UINT32_MAX - 500;
    set(1764000000, 999);
    assert_int_equal(wall_ms(), INT64_C(1764000000999));
    now_ms += 1;
    assert_int_equal(wall_ms(), INT64_C(1764000001000));
    now_ms += 999; /* over the wrap */
    assert_int_equal(wall_ms(), INT64_C(1764000001999));
    for (int i = 0; i < 100; i++) { /* for more than a year, asked every 40 days */
        now_ms += 40u * 86400u * 1000u;
        assert_int_equal(wall_ms(), INT64_C(1764000001999) + (i + 1) * INT64_C(40) * 86400 * 1000);
    }
}

static void may_be_set_back(void **state) {
    (void)state;
    set(1764000000, 0);
    now_ms += 3600u * 1000u;
    set(1764003599, 0);
    assert_int_equal(wall_ms(), INT64_C(1764003599000));
}

/* NTP's seconds wrap in 2036; years from 1968 to 2104 are told apart. */
static void eras(void **state) {
    static const int64_t moments[] = {
        0,                  /* 1970 */
        UNIX_AT_ERA_1 - 1,  /* the last second of era 0 */
        UNIX_AT_ERA_1 + 1,  /* the first but one of era 1 */
        INT64_C(4102444800) /* 2100 */
    };
    (void)state;
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        set(moments[i], 7);
        assert_int_equal(wall_ms(), moments[i] * 1000 + 7);
        assert_int_equal(ntp_ms(), moments[i] * 1000 + 7);
    }
    set(UNIX_AT_ERA_1 - 1, 500); /* and while it runs */
    now_ms += 1500;
    assert_int_equal(wall_ms(), (UNIX_AT_ERA_1 + 1) * 1000);
    assert_int_equal(ntp_ms(), (UNIX_AT_ERA_1 + 1) * 1000);
}

/* Each millisecond comes back as it is, however its fraction is filled up; and that differs. */
static void fractions(void **state) {
    int differ = 0;
    uint32_t last = 0;
    (void)state;
    for (uint32_t ms = 0; ms < 1000; ms++) {
        int32_t seconds;
        uint32_t fraction;
        set(1764000000, ms);
        assert_int_equal(wall_ms(), INT64_C(1764000000000) + ms);
        assert_int_equal(ntp_ms(), INT64_C(1764000000000) + ms);
        net_clock_get_ntp(&seconds, &fraction);
        net_clock_set_ntp(seconds, fraction);
        assert_int_equal(wall_ms(), INT64_C(1764000000000) + ms);
        net_clock_get_ntp(&seconds, &last);
        differ += fraction != last;
    }
    assert_true(differ > 990);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_until_set),
        cmocka_unit_test(settings_are_told),
        cmocka_unit_test(runs_on),
        cmocka_unit_test(may_be_set_back),
        cmocka_unit_test(eras),
        cmocka_unit_test(fractions),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
