/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_delivery_ambiguous.c: events that were sent to a scraper which never acknowledged them: which
 * are counted and told, and which keep their timestamp so that they need not be.
 */
#include "delivery_facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define TIMEOUT_MS 10000u

static struct delivery d;
static struct delivery_options options;
static struct delivery_now now;
static const uint8_t key[HASH_KEY_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};
static char warned[1024];

static void warn(struct slice line) {
    assert_true(strlen(warned) + line.len + 2 <= sizeof warned);
    assert_true(line.len < 220); /* fits in a line of the console */
    strncat(warned, line.bytes, line.len);
    strcat(warned, "\n");
}

static void start(enum delivery_duplicates duplicates, bool timestamps) {
    options = (struct delivery_options){CFG_SCRAPER_TIMEOUT_MS, duplicates, timestamps, warn};
    now = (struct delivery_now){0xfffffff0u, INT64_C(1795000000000)};
    memset(&d, 0xa5, sizeof d);
    warned[0] = '\0';
    delivery_init(&d, &options, key, now.monotonic_ms);
}

static void expect(uint64_t ambiguous, const char *warning) {
    assert_true(d.tally.ambiguous == ambiguous);
    assert_string_equal(warned, warning);
    warned[0] = '\0';
}

static void post(const char *labels) {
    assert_true(delivery_facts_post(&d, labels, 1, now));
}

static uint32_t begin(const char *name) {
    return delivery_facts_begin(&d, name, TIMEOUT_MS, now);
}

static void deliver(const char *name) {
    assert_true(delivery_commit(&d, begin(name), now.monotonic_ms));
}

/* A scrape whose page is sent. */
static uint32_t send(const char *name) {
    const uint32_t handle = begin(name);
    assert_int_not_equal(handle, 0);
    delivery_sent(&d, handle);
    return handle;
}

static void reset(void) {
    struct delivery_recovery found;
    now.monotonic_ms = 1000;
    delivery_recover(&d, &options, key, now.monotonic_ms, &found);
    assert_int_equal(found.damaged_events_count + found.damaged_times_count, 0);
    delivery_facts_check(&d);
}

static void only_what_was_sent_and_not_acknowledged(void **state) {
    (void)state;
    start(DELIVERY_QUEUE, false);
    post("n=\"1\"");
    post("n=\"2\"");
    delivery_rollback(&d, begin("a"));
    expect(0, "");
    delivery_rollback(&d, send("a"));
    expect(2, "events 1-2 may come twice to a\n");
    const uint32_t handle = send("a");
    delivery_sent(&d, handle);
    delivery_sent(&d, 0);
    assert_true(delivery_commit(&d, handle, now.monotonic_ms));
    delivery_rollback(&d, handle);
    delivery_sent(&d, handle);
    expect(2, "");
    assert_int_equal(d.events.stats.used, 0);
}

static void however_it_ends(void **state) {
    (void)state;
    start(DELIVERY_QUEUE, false);
    post("n=\"1\"");
    const uint32_t late = send("a");
    now.monotonic_ms += TIMEOUT_MS + 1;
    assert_false(delivery_commit(&d, late, now.monotonic_ms));
    expect(1, "event 1 may come twice to a\n");
    (void)send("a");
    now.monotonic_ms += TIMEOUT_MS + 1;
    delivery_poll(&d, now.monotonic_ms);
    expect(2, "event 1 may come twice to a\n");
    (void)send("a");
    reset();
    expect(3, "event 1 may come twice to a\n");
    (void)begin("a");
    reset();
    expect(3, "");
    delivery_facts_drain(&d, now);
    expect(3, "");
}

static void numbers_are_told_as_ranges(void **state) {
    (void)state;
    start(DELIVERY_QUEUE, false);
    (void)begin("a");
    for (char n = '1'; n <= '7'; n++) {
        const char labels[] = {'n', '=', '"', n, '"', '\0'};
        post(labels);
        if (n == '4') { /* a has these, b comes now */
            deliver("a");
            (void)begin("b");
        }
    }
    post("n=\"5\"");
    delivery_rollback(&d, send("b"));
    expect(3, "events 5-7 may come twice to b\n"); /* 8 waits for 5 */
    deliver("b");
    post("n=\"5\"");
    post("n=\"6\"");
    delivery_rollback(&d, send("b"));
    expect(5, "events 8, 10 may come twice to b\n");
}

static void a_long_line_is_cut_short(void **state) {
    char labels[16];
    (void)state;
    start(DELIVERY_QUEUE, false);
    (void)begin("a");
    d.counts.posted = UINT64_C(18000000000000000000);
    for (int i = 0; i < CFG_EVENTS_MAX / 2; i++) {
        (void)snprintf(labels, sizeof labels, "n=\"%d\"", i);
        post(labels);
        post("x=\"1\""); /* the first goes along, the others wait for it */
    }
    delivery_rollback(&d, send("a"));
    expect(21,
           "events 18000000000000000001-18000000000000000003 and 18 more may come twice to a\n");
}

static void by_address_the_agent_is_told(void **state) {
    struct scraper_identity who;
    struct delivery_cursor cursor;
    struct problem p;
    (void)state;
    start(DELIVERY_QUEUE, false);
    post("");
    assert_true(scrapers_identify(&who, SLICE(""), SLICE("10.0.0.1"), SLICE("Prometheus/2.42.0"),
                                  true, &p));
    assert_true(delivery_begin(&d, &who, 0, now.monotonic_ms, now, &cursor, &p));
    delivery_sent(&d, cursor.handle);
    delivery_rollback(&d, cursor.handle);
    expect(1, "event 1 may come twice to Prometheus at 10.0.0.1\n");
}

/* The event's bucket of event_times bars it, as a plain sample of other labels could. */
static void bar(void) {
    event_times_plain(&d.times, &d.redo, d.events.slots[d.events.oldest].hash, 1, d.uptime_s);
}

static bool carries_timestamp(uint32_t handle) {
    assert_int_not_equal(handle, 0);
    return (d.scrapes[(handle & 0xff) - 1].stamped[0] & 1u) != 0;
}

static void with_a_timestamp_it_is_the_same_sample(void **state) {
    (void)state;
    start(DELIVERY_QUEUE, true);
    post("n=\"1\"");
    assert_true(carries_timestamp(begin("a")));
    reset();
    bar();
    assert_false(carries_timestamp(begin("a"))); /* it was never sent */
    reset();
    event_times_init(&d.times);
    assert_true(carries_timestamp(send("a")));
    reset();
    expect(0, "");
    bar();
    assert_true(carries_timestamp(send("a"))); /* it may be there with it */
    now.unix_ms = EVENT_TIMES_UNKNOWN;
    reset();
    assert_true(carries_timestamp(send("a"))); /* the clock is not known yet, the age is */
    reset();
    expect(0, "");
    now.monotonic_ms += CFG_EVENT_TIMESTAMP_AGE_MS;
    assert_false(carries_timestamp(begin("a")));
    expect(1, "event 1 may come twice to a\n");
    reset();
    assert_false(carries_timestamp(begin("a")));
    expect(1, "");
    reset();
}

static void another_scraper_is_another_matter(void **state) {
    (void)state;
    start(DELIVERY_QUEUE, true);
    (void)begin("a");
    (void)begin("b");
    post("n=\"1\"");
    delivery_rollback(&d, send("a"));
    event_times_plain(&d.times, &d.redo, d.events.slots[0].hash, 3, d.uptime_s);
    assert_true(carries_timestamp(begin("a")));
    assert_false(carries_timestamp(begin("b")));
    expect(0, "");
}

/* An older event of the labels has become too old for its timestamp and goes at the time of its
 * scrape: after that Prometheus drops a timestamp from before. */
static void behind_one_without_a_timestamp(void **state) {
    (void)state;
    start(DELIVERY_QUEUE, true);
    (void)begin("a");
    post("n=\"1\"");
    now.monotonic_ms += 2000;
    now.unix_ms += 2000;
    post("n=\"1\"");
    delivery_rollback(&d, send("a")); /* both, with their timestamps */
    expect(0, "");
    now.monotonic_ms += CFG_EVENT_TIMESTAMP_AGE_MS - 1000;
    now.unix_ms += CFG_EVENT_TIMESTAMP_AGE_MS - 1000;
    const uint32_t handle = send("a");
    assert_false(carries_timestamp(handle)); /* the first one only */
    expect(2, "event 1 may come twice to a\nevent 2 may come twice to a\n");
    assert_true(delivery_commit(&d, handle, now.monotonic_ms));
    assert_false(carries_timestamp(begin("a")));
}

/* What was part of one sum can be part of another one. */
static void a_sum_is_counted_whatever_its_time(void **state) {
    (void)state;
    start(DELIVERY_SUM, true);
    (void)begin("a");
    post("n=\"1\"");
    assert_true(carries_timestamp(send("a")));
    reset();
    expect(1, "event 1 may come twice to a\n");
    post("n=\"1\""); /* merged: a new time */
    assert_int_equal(d.events.stats.used, 1);
    assert_int_equal(d.events.slots[0].stamped_to, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_was_sent_and_not_acknowledged),
        cmocka_unit_test(however_it_ends),
        cmocka_unit_test(numbers_are_told_as_ranges),
        cmocka_unit_test(a_long_line_is_cut_short),
        cmocka_unit_test(by_address_the_agent_is_told),
        cmocka_unit_test(with_a_timestamp_it_is_the_same_sample),
        cmocka_unit_test(another_scraper_is_another_matter),
        cmocka_unit_test(behind_one_without_a_timestamp),
        cmocka_unit_test(a_sum_is_counted_whatever_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
