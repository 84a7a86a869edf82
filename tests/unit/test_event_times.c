/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_event_times.c: which timestamp an event gets, and when it goes without.
 */
#include "events/event_times.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NOW INT64_C(1795000000000)
#define AGE ((int64_t)CFG_EVENT_TIMESTAMP_AGE_MS)
#define AGE_S (CFG_EVENT_TIMESTAMP_AGE_MS / 1000u)
#define HASH 0x12345678u
#define OTHER 0xfedcba98u

static struct event_times times;
static struct state_redo redo;

static int fresh(void **state) {
    (void)state;
    memset(&times, 0xa5, sizeof times);
    event_times_init(&times);
    redo.check = 0;
    return 0;
}

/* Whether an event, posted at uptime `posted_s`, may carry its timestamp at `unix_ms`. */
static bool usable(uint32_t hash, uint32_t scraper, int64_t event_unix_ms, uint32_t posted_s,
                   int64_t unix_ms) {
    return event_times_fresh(event_unix_ms, posted_s, unix_ms, posted_s) &&
           !event_times_barred(&times, hash, scraper, posted_s);
}

static void each_is_later_than_the_last_of_its_labels(void **state) {
    (void)state;
    assert_true(event_times_assign(&times, &redo, HASH, NOW) == NOW);
    assert_true(event_times_assign(&times, &redo, HASH, NOW) == NOW + 1);
    assert_true(event_times_assign(&times, &redo, OTHER, NOW) == NOW);
    assert_true(event_times_assign(&times, &redo, HASH, NOW + 1) == NOW + 2);
    assert_true(event_times_assign(&times, &redo, HASH, NOW + 3) == NOW + 3);
    assert_true(event_times_assign(&times, &redo, HASH, NOW - 1000) == NOW + 4);
}

static void an_unknown_clock_gives_no_time(void **state) {
    (void)state;
    assert_true(event_times_assign(&times, &redo, HASH, EVENT_TIMES_UNKNOWN) ==
                EVENT_TIMES_UNKNOWN);
    assert_true(event_times_assign(&times, &redo, HASH, -1) == EVENT_TIMES_UNKNOWN);
    assert_true(event_times_assign(&times, &redo, HASH, 0) == 0);
    assert_false(usable(HASH, 1, EVENT_TIMES_UNKNOWN, 1, NOW));
}

/* After a reset a board knows the time of an event before it knows the time again. */
static void while_the_clock_is_unknown_the_uptime_tells_the_age(void **state) {
    (void)state;
    assert_true(event_times_fresh(NOW, 1000, EVENT_TIMES_UNKNOWN, 1000));
    assert_true(event_times_fresh(NOW, 1000, EVENT_TIMES_UNKNOWN, 1000 + AGE_S - 2));
    assert_false(event_times_fresh(NOW, 1000, EVENT_TIMES_UNKNOWN, 1000 + AGE_S - 1));
    assert_false(event_times_fresh(EVENT_TIMES_UNKNOWN, 1000, EVENT_TIMES_UNKNOWN, 1000));
}

static void a_burst_runs_a_minute_ahead_at_most(void **state) {
    (void)state;
    for (int64_t i = 0; i <= EVENT_TIMES_AHEAD_MS; i++) {
        assert_true(event_times_assign(&times, &redo, HASH, NOW) == NOW + i);
    }
    assert_true(event_times_assign(&times, &redo, HASH, NOW) == EVENT_TIMES_UNKNOWN);
    assert_true(event_times_assign(&times, &redo, HASH, NOW + 1) == NOW + EVENT_TIMES_AHEAD_MS + 1);
}

static void a_clock_set_back_far_starts_again(void **state) {
    (void)state;
    assert_true(event_times_assign(&times, &redo, HASH, NOW) == NOW);
    assert_true(event_times_assign(&times, &redo, HASH, NOW - EVENT_TIMES_AHEAD_MS) ==
                EVENT_TIMES_UNKNOWN);
    assert_true(event_times_assign(&times, &redo, HASH, NOW) == NOW + 1);
    assert_true(event_times_assign(&times, &redo, HASH, NOW - EVENT_TIMES_AHEAD_MS - 1) ==
                NOW - EVENT_TIMES_AHEAD_MS - 1);
    assert_true(event_times_assign(&times, &redo, OTHER, 5) == 5);
}

static void too_old_or_too_far_ahead_goes_without(void **state) {
    (void)state;
    assert_true(usable(HASH, 1, NOW, 1, NOW));
    assert_true(usable(HASH, 1, NOW, 1, NOW + AGE));
    assert_false(usable(HASH, 1, NOW, 1, NOW + AGE + 1));
    assert_true(usable(HASH, 1, NOW, 1, NOW - EVENT_TIMES_AHEAD_MS));
    assert_false(usable(HASH, 1, NOW, 1, NOW - EVENT_TIMES_AHEAD_MS - 1));
}

static void a_plain_sample_bars_timestamps_for_a_while(void **state) {
    (void)state;
    event_times_plain(&times, &redo, HASH, 1, 1000);
    assert_false(usable(HASH, 1, NOW, 1, NOW));
    assert_false(usable(HASH, 1, NOW, 1000, NOW));
    assert_false(usable(HASH, 1, NOW, 1000 + AGE_S, NOW));
    assert_true(usable(HASH, 1, NOW, 1000 + AGE_S + 1, NOW));
    assert_true(usable(OTHER, 1, NOW, 1, NOW));
}

static void only_for_the_scraper_that_got_it(void **state) {
    (void)state;
    event_times_plain(&times, &redo, HASH, 1, 1000);
    assert_true(usable(HASH, 2, NOW, 1000, NOW));
    event_times_plain(&times, &redo, HASH, 2, 1000 + AGE_S);
    assert_false(usable(HASH, 1, NOW, 1000 + AGE_S, NOW));
    assert_false(usable(HASH, 2, NOW, 1000 + AGE_S, NOW));
    event_times_plain(&times, &redo, HASH, 4, 1000 + 2 * AGE_S + 1);
    assert_true(usable(HASH, 1, NOW, 1001 + 2 * AGE_S, NOW));
    assert_false(usable(HASH, 4, NOW, 1001 + 2 * AGE_S, NOW));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_is_later_than_the_last_of_its_labels, fresh),
        cmocka_unit_test_setup(an_unknown_clock_gives_no_time, fresh),
        cmocka_unit_test(while_the_clock_is_unknown_the_uptime_tells_the_age),
        cmocka_unit_test_setup(a_burst_runs_a_minute_ahead_at_most, fresh),
        cmocka_unit_test_setup(a_clock_set_back_far_starts_again, fresh),
        cmocka_unit_test_setup(too_old_or_too_far_ahead_goes_without, fresh),
        cmocka_unit_test_setup(a_plain_sample_bars_timestamps_for_a_while, fresh),
        cmocka_unit_test_setup(only_for_the_scraper_that_got_it, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
