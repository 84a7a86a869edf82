/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_port_isn.c: initial sequence numbers: one sequence for each connection, in step with the
 * clock, and none that tells another.
 */
#include "net_isn.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static uint32_t now_ms;

uint32_t clock_monotonic_ms(void) {
    return now_ms;
}

bool clock_wall_ms(int64_t *unix_ms) {
    (void)unix_ms;
    return false;
}

static const ip_addr_t us = IPADDR4_INIT_BYTES(192, 168, 76, 2);
static const ip_addr_t peer = IPADDR4_INIT_BYTES(192, 168, 76, 1);

static int setup(void **state) {
    (void)state;
    const uint8_t key[HASH_KEY_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};
    now_ms = 1000;
    net_isn_init(key, 0);
    return 0;
}

/* RFC 6528 section 3: one sequence a connection, of steps of 4 microseconds; also over the clock's
 * wrap. */
static void test_a_connection_goes_on_with_the_clock(void **state) {
    (void)state;
    const uint32_t first = net_isn(&us, 80, &peer, 1234);
    now_ms += 1;
    assert_int_equal(net_isn(&us, 80, &peer, 1234) - first, 250);
    now_ms = 1000 + 60000;
    assert_int_equal(net_isn(&us, 80, &peer, 1234) - first, 15000000);
    now_ms = UINT32_MAX;
    const uint32_t before = net_isn(&us, 80, &peer, 1234);
    now_ms = 0;
    assert_int_equal(net_isn(&us, 80, &peer, 1234) - before, 250);
}

static void test_each_part_of_a_connection_counts(void **state) {
    (void)state;
    const ip_addr_t other = IPADDR4_INIT_BYTES(192, 168, 76, 3);
    const ip_addr_t mapped = IPADDR6_INIT(0, 0, PP_HTONL(0xfffeu), PP_HTONL(0xc0a84c01u));
    const uint32_t numbers[] = {
        net_isn(&us, 80, &peer, 1234),   net_isn(&other, 80, &peer, 1234),
        net_isn(&us, 81, &peer, 1234),   net_isn(&us, 80, &other, 1234),
        net_isn(&us, 80, &peer, 1235),   net_isn(&peer, 1234, &us, 80),
        net_isn(&us, 80, &mapped, 1234),
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(numbers[i], numbers[j]);
        }
    }
}

static void test_the_key_and_the_start_count(void **state) {
    (void)state;
    const uint8_t key[HASH_KEY_BYTES] = {1, 2, 3, 4, 5, 6, 7, 9};
    const uint32_t number = net_isn(&us, 80, &peer, 1234);
    net_isn_init(key, 0);
    const uint32_t other = net_isn(&us, 80, &peer, 1234);
    assert_int_not_equal(number, other);
    net_isn_init(key, 77);
    assert_int_equal(net_isn(&us, 80, &peer, 1234) - other, 77);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_connection_goes_on_with_the_clock, setup),
        cmocka_unit_test_setup(test_each_part_of_a_connection_counts, setup),
        cmocka_unit_test_setup(test_the_key_and_the_start_count, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
