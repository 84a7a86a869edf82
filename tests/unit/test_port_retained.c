/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_port_retained.c: what lives through a reset, and above all that no run starts from the
 * randomness of another one, whatever became of the memory in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../../board/board_api.h"

#include "../../port/cortex-m/retained.c"

#define RUNS 64

static uint8_t seeds[RUNS][RANDOM_SEED_BYTES];
static uint32_t runs;

/* One run with the same bytes from the board each time, as from an emulator's loader. */
static void run(enum board_reset_cause chip) {
    retained_start(chip);
    memset(seeds[runs], 0x5a, RANDOM_SEED_BYTES);
    retained_ratchet(seeds[runs], true);
    runs++;
}

static void expect_all_differ(void) {
    for (uint32_t i = 0; i < runs; i++) {
        for (uint32_t k = 0; k < i; k++) {
            assert_memory_not_equal(seeds[i], seeds[k], RANDOM_SEED_BYTES);
        }
    }
}

static int power_on(void **state) {
    (void)state;
    memset(&kept, 0, sizeof kept);
    runs = 0;
    return 0;
}

static void every_run_starts_elsewhere(void **state) {
    (void)state;
    while (runs < RUNS) {
        run(BOARD_RESET_SOFTWARE);
    }
    expect_all_differ();
}

/* A write that the reset cut short, or a program that ran wild: any word is another one. */
static void every_run_starts_elsewhere_when_memory_is_damaged(void **state) {
    (void)state;
    uint8_t *bytes = (uint8_t *)&kept;
    for (size_t at = 0; at < sizeof kept && runs < RUNS; at += 4) {
        run(BOARD_RESET_UNKNOWN);
        bytes[at] ^= 1;
    }
    expect_all_differ();
}

static void damaged_memory_is_a_power_on(void **state) {
    (void)state;
    run(BOARD_RESET_SOFTWARE);
    run(BOARD_RESET_SOFTWARE);
    assert_int_equal(retained_resets(RETAINED_SOFTWARE), 1);
    kept.resets[RETAINED_SOFTWARE] = 77;
    struct retained_end end = retained_start(BOARD_RESET_SOFTWARE);
    assert_int_equal(end.cause, RETAINED_POWER_ON);
    assert_int_equal(retained_resets(RETAINED_SOFTWARE), 0);
    assert_int_equal(retained_resets(RETAINED_POWER_ON), 1);
}

/* What is kept for the next run is no part of what this one uses. */
static void what_is_left_tells_no_seed(void **state) {
    (void)state;
    run(BOARD_RESET_SOFTWARE);
    for (size_t at = 0; at + 4 <= RANDOM_SEED_BYTES; at++) {
        for (size_t i = 0; i < 8; i++) {
            assert_memory_not_equal(seeds[0] + at, &kept.ratchet[i], 4);
        }
    }
}

/* What one run had of the board's source is enough for those after it, whose boards have none. */
static void an_earlier_seed_is_enough(void **state) {
    (void)state;
    while (runs < RUNS) {
        retained_start(runs % 2 == 0 ? BOARD_RESET_WATCHDOG : BOARD_RESET_UNKNOWN);
        assert_true(retained_ratchet(seeds[runs], runs == 0));
        runs++;
    }
    expect_all_differ();
}

static bool is_good_without_a_seed(enum board_reset_cause chip) {
    uint8_t none[RANDOM_SEED_BYTES] = {0};
    retained_start(chip);
    return retained_ratchet(none, false);
}

/* Of no run, of one before power was gone, or in memory that is not as it was left: not one bit. */
static void nothing_else_is(void **state) {
    assert_false(is_good_without_a_seed(BOARD_RESET_UNKNOWN));
    assert_false(is_good_without_a_seed(BOARD_RESET_SOFTWARE));
    run(BOARD_RESET_SOFTWARE);
    assert_true(is_good_without_a_seed(BOARD_RESET_PIN));
    assert_false(is_good_without_a_seed(BOARD_RESET_POWER_ON));
    assert_false(is_good_without_a_seed(BOARD_RESET_PIN));
    for (size_t at = 0; at < offsetof(struct retained, checksum); at++) {
        power_on(state);
        run(BOARD_RESET_SOFTWARE);
        ((uint8_t *)&kept)[at] ^= 0x10;
        assert_false(is_good_without_a_seed(BOARD_RESET_SOFTWARE));
    }
}

static void the_boards_bytes_count(void **state) {
    uint8_t one[RANDOM_SEED_BYTES] = {1};
    uint8_t other[RANDOM_SEED_BYTES] = {2};
    retained_start(BOARD_RESET_SOFTWARE);
    retained_ratchet(one, true);
    power_on(state);
    retained_start(BOARD_RESET_SOFTWARE);
    retained_ratchet(other, true);
    assert_memory_not_equal(one, other, RANDOM_SEED_BYTES);
}

static void an_end_is_told_once(void **state) {
    (void)state;
    run(BOARD_RESET_SOFTWARE);
    retained_end(&(struct retained_end){.cause = RETAINED_FAULT, .pc = 0x1234});
    struct retained_end end = retained_start(BOARD_RESET_WATCHDOG);
    assert_int_equal(end.cause, RETAINED_FAULT);
    assert_int_equal(end.pc, 0x1234);
    end = retained_start(BOARD_RESET_WATCHDOG);
    assert_int_equal(end.cause, RETAINED_WATCHDOG);
    retained_end(&(struct retained_end){.cause = RETAINED_WATCHDOG});
    retained_go_on();
    assert_int_equal(retained_start(BOARD_RESET_PIN).cause, RETAINED_EXTERNAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_run_starts_elsewhere, power_on),
        cmocka_unit_test_setup(every_run_starts_elsewhere_when_memory_is_damaged, power_on),
        cmocka_unit_test_setup(damaged_memory_is_a_power_on, power_on),
        cmocka_unit_test_setup(what_is_left_tells_no_seed, power_on),
        cmocka_unit_test_setup(an_earlier_seed_is_enough, power_on),
        cmocka_unit_test_setup(nothing_else_is, power_on),
        cmocka_unit_test_setup(the_boards_bytes_count, power_on),
        cmocka_unit_test_setup(an_end_is_told_once, power_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
