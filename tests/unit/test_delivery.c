/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_delivery.c: the life of an event, case by case. test_delivery_model.c does the same at
 * random against a model.
 */
#include "events/delivery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define TIMEOUT_MS 10000u
#define HEAD                                                                 \
    "# HELP events_to_metrics One-shot events, each exposed exactly once.\n" \
    "# TYPE events_to_metrics gauge\n"
#define MINUTE_MS 60000u

static struct delivery d;
static struct delivery_now now;
static struct delivery_cursor cursor;

/* What the console was told since expect_warning. */
static char warned[512];

static void warn(struct slice line) {
    assert_true(strlen(warned) + line.len + 2 <= sizeof warned);
    strncat(warned, line.bytes, line.len);
    strcat(warned, "\n");
}

/* Whether the labels n="1" to n="4" fall into four buckets of event_times, so that none is treated
 * with the care that another one needs. */
static bool buckets_differ(void) {
    _Static_assert(EVENT_TIMES_BUCKETS <= 32, "a bit of `seen` for each");
    uint32_t seen = 0;
    for (unsigned n = 1; n <= 4; n++) {
        char labels[] = "n=\"0\"";
        labels[3] = (char)('0' + n);
        uint32_t hash = event_table_hash(&d.events, (struct slice){labels, sizeof labels - 1});
        uint32_t bit = 1u << (((uint64_t)hash * EVENT_TIMES_BUCKETS) >> 32);
        if (seen & bit) {
            return false;
        }
        seen |= bit;
    }
    return true;
}

static void start(enum delivery_duplicates duplicates, bool timestamps) {
    const struct delivery_options options = {CFG_SCRAPER_TIMEOUT_MS, duplicates, timestamps, warn};
    uint8_t key[HASH_KEY_BYTES] = {0};
    now = (struct delivery_now){0xffffff00u, INT64_C(1795000000000)}; /* the clock wraps soon */
    warned[0] = '\0';
    do {
        key[0]++;
        memset(&d, 0xa5, sizeof d);
        delivery_init(&d, &options, key, now.monotonic_ms);
    } while (!buckets_differ());
}

static int queue(void **state) {
    (void)state;
    start(DELIVERY_QUEUE, false);
    return 0;
}

static int last(void **state) {
    (void)state;
    start(DELIVERY_LAST, false);
    return 0;
}

static int sum(void **state) {
    (void)state;
    start(DELIVERY_SUM, false);
    return 0;
}

static int stamped(void **state) {
    (void)state;
    start(DELIVERY_QUEUE, true);
    return 0;
}

/* Time passes in steps that a main loop would not exceed. */
static void pass(uint32_t ms) {
    while (ms > 0) {
        uint32_t step = ms > MINUTE_MS ? MINUTE_MS : ms;
        now.monotonic_ms += step;
        now.unix_ms += now.unix_ms >= 0 ? (int64_t)step : 0;
        ms -= step;
        delivery_poll(&d, now.monotonic_ms);
    }
}

static struct delivery_receipt post(const char *labels, double value) {
    struct delivery_receipt receipt;
    struct problem p;
    struct slice text = {labels, (uint32_t)strlen(labels)};
    assert_true(delivery_post(&d, text, value, now, &receipt, &p));
    return receipt;
}

static struct scraper_identity identity(const char *name) {
    struct scraper_identity who;
    struct problem p;
    struct slice text = {name, (uint32_t)strlen(name)};
    assert_true(scrapers_identify(&who, text, SLICE(""), SLICE(""), true, &p));
    return who;
}

/* Begins a scrape by a Prometheus; `cursor` is its. */
static uint32_t begin(const char *name) {
    struct scraper_identity who = identity(name);
    struct problem p;
    assert_true(delivery_begin(&d, &who, TIMEOUT_MS, now.monotonic_ms, now, &cursor, &p));
    return cursor.handle;
}

/* What the scrape at `cursor` carries, pulled in pieces of `piece` bytes. */
static void expect_pieces(const char *expected, uint32_t piece, bool openmetrics) {
    struct delivery_cursor c = cursor;
    char all[16384];
    uint32_t len = 0;
    bool done = false;
    while (!done) {
        struct text out = text_over(all + len, piece);
        done = delivery_pull(&d, &c, openmetrics, &out);
        assert_false(out.overflow);
        assert_true(done || out.len > 0);
        assert_true(out.len == 0 || out.bytes[out.len - 1] == '\n');
        len += out.len;
    }
    all[len] = '\0';
    assert_string_equal(all, expected);
}

static void expect(const char *expected) {
    expect_pieces(expected, CFG_LINE_BYTES, false);
}

/* A whole scrape that is acknowledged at once. */
static void scrape(const char *name, const char *expected) {
    uint32_t handle = begin(name);
    expect(expected);
    assert_int_equal(delivery_commit(&d, handle, now.monotonic_ms), handle != 0);
}

static void expect_warning(const char *expected) {
    assert_string_equal(warned, expected);
    warned[0] = '\0';
}

static int nothing_left(void **state) {
    (void)state;
    expect_warning("");
    assert_int_equal(d.events.stats.used, 0);
    assert_int_equal(d.events.oldest, EVENT_TABLE_NONE);
    assert_int_equal(d.scrapes_stats.used, 0);
    for (uint8_t i = 0; i < CFG_SCRAPERS_MAX; i++) {
        if (delivery_scraper(&d, i) != NULL) {
            assert_int_equal(delivery_pending_count(&d, i), 0);
            assert_int_equal(delivery_scraper(&d, i)->in_flight_count, 0);
        }
    }
    return 0;
}

/* ---- one event ---------------------------------------------------------------------------- */

static void held_for_the_first_scraper(void **state) {
    (void)state;
    struct delivery_receipt receipt = post("message=\"x\",type=\"test\"", 42.5);
    assert_true(receipt.event_number == 1);
    assert_int_equal(receipt.scrapers_count, 0);
    pass(3 * CFG_SCRAPER_TIMEOUT_MS);
    scrape("a", HEAD "events_to_metrics{message=\"x\",type=\"test\"} 42.5\n");
    scrape("a", "");
    scrape("b", "");
    assert_true(d.counts.posted == 1 && d.counts.delivered == 1);
}

static void each_known_scraper_gets_it_once(void **state) {
    (void)state;
    scrape("a", "");
    scrape("b", "");
    assert_int_equal(post("", 1).scrapers_count, 2);
    scrape("c", "");
    scrape("a", HEAD "events_to_metrics 1\n");
    assert_int_equal(d.events.stats.used, 1);
    scrape("a", "");
    assert_int_equal(post("", 2).scrapers_count, 3);
    scrape("a", HEAD "events_to_metrics 2\n");
    scrape("b", HEAD "events_to_metrics 1\n");
    scrape("b", HEAD "events_to_metrics 2\n");
    scrape("c", HEAD "events_to_metrics 2\n");
    assert_true(d.counts.delivered == 5);
    assert_int_equal(delivery_scraper(&d, 0)->scrapes_count, 4);
}

static void pending_again_when_the_connection_dies(void **state) {
    (void)state;
    post("", 1);
    uint32_t handle = begin("a");
    expect(HEAD "events_to_metrics 1\n");
    delivery_rollback(&d, handle);
    assert_true(d.counts.rollbacks_connection == 1);
    delivery_rollback(&d, handle);
    assert_false(delivery_commit(&d, handle, now.monotonic_ms));
    assert_true(d.counts.rollbacks_connection == 1);
    scrape("a", HEAD "events_to_metrics 1\n");
}

static void in_time_until_the_last_millisecond(void **state) {
    (void)state;
    post("", 1);
    uint32_t handle = begin("a");
    pass(TIMEOUT_MS);
    assert_true(delivery_commit(&d, handle, now.monotonic_ms));

    post("", 2);
    handle = begin("a");
    assert_false(delivery_commit(&d, handle, now.monotonic_ms + TIMEOUT_MS + 1));
    assert_true(d.counts.rollbacks_timeout == 1);
    scrape("a", HEAD "events_to_metrics 2\n");
}

static void time_counts_from_the_request(void **state) {
    struct scraper_identity who = identity("a");
    struct problem p;
    (void)state;
    post("", 1);
    assert_true(delivery_begin(&d, &who, 1000, now.monotonic_ms - 999, now, &cursor, &p));
    assert_false(delivery_commit(&d, cursor.handle, now.monotonic_ms + 2));
    assert_true(delivery_begin(&d, &who, 1000, now.monotonic_ms - 1001, now, &cursor, &p));
    assert_int_equal(cursor.handle, 0);
    assert_true(delivery_begin(&d, &who, 1000, now.monotonic_ms - 1000, now, &cursor, &p));
    assert_true(delivery_commit(&d, cursor.handle, now.monotonic_ms));
}

static void unannounced_and_huge_timeouts(void **state) {
    struct scraper_identity who = identity("a");
    struct problem p;
    (void)state;
    post("", 1);
    assert_true(delivery_begin(&d, &who, 0, now.monotonic_ms, now, &cursor, &p));
    assert_false(delivery_scraper(&d, 0)->announced);
    assert_false(delivery_commit(&d, cursor.handle, now.monotonic_ms + CFG_SCRAPE_TIMEOUT_MS + 1));
    assert_true(delivery_begin(&d, &who, UINT32_MAX, now.monotonic_ms, now, &cursor, &p));
    assert_true(delivery_scraper(&d, 0)->announced);
    pass(23 * 60 * MINUTE_MS);
    assert_int_equal(d.scrapes_stats.used, 1);
    pass(2 * 60 * MINUTE_MS);
    assert_int_equal(d.scrapes_stats.used, 0);
    assert_true(d.counts.released == 1); /* and the scraper is forgotten after that */
}

static void the_poll_takes_back_what_is_out_of_time(void **state) {
    (void)state;
    post("", 1);
    uint32_t old = begin("a");
    struct delivery_cursor old_cursor = cursor;
    pass(TIMEOUT_MS);
    assert_int_equal(begin("a"), 0);
    pass(1);
    assert_true(d.counts.rollbacks_timeout == 1);
    uint32_t handle = begin("a");
    assert_int_not_equal(handle, old);
    /* The old connection goes on regardless, and must not touch the new scrape. */
    struct delivery_cursor young_cursor = cursor;
    cursor = old_cursor;
    expect("");
    cursor = young_cursor;
    delivery_rollback(&d, old);
    assert_false(delivery_commit(&d, old, now.monotonic_ms));
    expect(HEAD "events_to_metrics 1\n");
    assert_true(delivery_commit(&d, handle, now.monotonic_ms));
}

static void a_poll_with_an_older_clock_is_harmless(void **state) {
    (void)state;
    scrape("a", "");
    post("", 1);
    uint32_t handle = begin("a");
    delivery_poll(&d, now.monotonic_ms - 1);
    assert_true(delivery_commit(&d, handle, now.monotonic_ms - 1));
    delivery_poll(&d, now.monotonic_ms - 2);
    assert_non_null(delivery_scraper(&d, 0));
}

static void strange_handles_are_harmless(void **state) {
    static const uint32_t handles[] = {0, 1, 255, 256, 0xffffffffu, 0x0100u + 7u};
    (void)state;
    post("", 1);
    uint32_t handle = begin("a");
    for (unsigned i = 0; i < sizeof handles / sizeof handles[0]; i++) {
        delivery_rollback(&d, handles[i]);
        assert_false(delivery_commit(&d, handles[i], now.monotonic_ms));
    }
    assert_true(delivery_commit(&d, handle, now.monotonic_ms));
}

/* ---- several scrapes at once -------------------------------------------------------------- */

static void two_scrapes_never_share_an_event(void **state) {
    (void)state;
    scrape("a", "");
    scrape("b", "");
    post("n=\"1\"", 1);
    uint32_t first = begin("a");
    assert_int_equal(begin("a"), 0);
    post("n=\"2\"", 1);
    uint32_t second = begin("a");
    expect(HEAD "events_to_metrics{n=\"2\"} 1\n");
    scrape("b", HEAD "events_to_metrics{n=\"1\"} 1\nevents_to_metrics{n=\"2\"} 1\n");
    delivery_rollback(&d, first);
    assert_true(delivery_commit(&d, second, now.monotonic_ms));
    scrape("a", HEAD "events_to_metrics{n=\"1\"} 1\n");
}

static void without_a_free_scrape_events_wait(void **state) {
    uint32_t handles[CFG_SCRAPES_IN_FLIGHT_MAX];
    (void)state;
    scrape("a", "");
    for (unsigned i = 0; i < CFG_SCRAPES_IN_FLIGHT_MAX; i++) {
        char labels[16];
        (void)snprintf(labels, sizeof labels, "n=\"%u\"", i);
        post(labels, 1);
        handles[i] = begin("a");
        assert_int_not_equal(handles[i], 0);
    }
    post("", 7);
    scrape("a", "");
    assert_int_equal(d.scrapes_stats.refused_total, 1);
    assert_int_equal(d.scrapes_stats.used, CFG_SCRAPES_IN_FLIGHT_MAX);
    for (unsigned i = 0; i < CFG_SCRAPES_IN_FLIGHT_MAX; i++) {
        assert_true(delivery_commit(&d, handles[i], now.monotonic_ms));
    }
    scrape("a", HEAD "events_to_metrics 7\n");
}

static void order_of_labels_holds_over_a_rollback(void **state) {
    (void)state;
    scrape("a", "");
    post("", 1);
    uint32_t first = begin("a");
    post("", 2);
    assert_int_equal(begin("a"), 0);
    delivery_rollback(&d, first);
    scrape("a", HEAD "events_to_metrics 1\n");
    scrape("a", HEAD "events_to_metrics 2\n");
}

/* ---- full tables -------------------------------------------------------------------------- */

static void a_full_table_drops_nothing(void **state) {
    struct delivery_receipt receipt = {77, 77};
    struct problem p;
    (void)state;
    for (unsigned i = 0; i < CFG_EVENTS_MAX; i++) {
        post("", i);
    }
    assert_false(delivery_post(&d, SLICE(""), 1, now, &receipt, &p));
    assert_int_equal(p.kind, PROBLEM_FULL);
    const char held[] = "all 40 event slots wait for the first scraper to come";
    assert_memory_equal(p.line, held, sizeof held - 1);
    assert_true(receipt.event_number == 77 && d.counts.posted == CFG_EVENTS_MAX);
    scrape("a", HEAD "events_to_metrics 0\n");
    post("", CFG_EVENTS_MAX);
    assert_false(delivery_post(&d, SLICE("n=\"1\""), 1, now, &receipt, &p));
    const char waiting[] = "all 40 event slots wait to be scraped";
    assert_memory_equal(p.line, waiting, sizeof waiting - 1);
    assert_int_equal(d.events.stats.refused_total, 2);
    for (unsigned i = 1; i <= CFG_EVENTS_MAX; i++) {
        char expected[sizeof HEAD + 40];
        (void)snprintf(expected, sizeof expected, HEAD "events_to_metrics %u\n", i);
        scrape("a", expected);
    }
}

static void person(const char *name, bool taken) {
    struct scraper_identity who = identity(name);
    struct problem p;
    assert_int_equal(delivery_begin(&d, &who, 0, now.monotonic_ms, now, &cursor, &p), taken);
    assert_true(taken || p.kind == PROBLEM_FULL);
}

static void a_person_gives_way_a_prometheus_does_not(void **state) {
    (void)state;
    person("curl", true);
    pass(1);
    scrape("a", "");
    scrape("b", "");
    scrape("c", "");
    post("", 1);
    scrape("a", HEAD "events_to_metrics 1\n");
    scrape("b", HEAD "events_to_metrics 1\n");
    scrape("c", HEAD "events_to_metrics 1\n");
    assert_int_equal(d.events.stats.used, 1);
    scrape("d", "");
    assert_true(d.counts.released == 1);
    assert_int_equal(d.events.stats.used, 0);
    person("curl", false);
    assert_int_equal(d.scrapers.stats.refused_total, 1);
    post("", 2);
    scrape("d", HEAD "events_to_metrics 2\n");
    pass(CFG_SCRAPER_TIMEOUT_MS);
    assert_true(d.counts.released == 2);
}

static void a_person_in_the_middle_of_a_scrape_stays(void **state) {
    (void)state;
    post("", 1);
    person("curl", true);
    uint32_t handle = cursor.handle;
    assert_int_not_equal(handle, 0);
    scrape("a", "");
    scrape("b", "");
    scrape("c", "");
    person("wget", false);
    assert_true(delivery_commit(&d, handle, now.monotonic_ms));
    person("wget", true);
}

/* ---- forgetting --------------------------------------------------------------------------- */

static void who_stays_away_is_forgotten(void **state) {
    (void)state;
    scrape("a", "");
    scrape("b", "");
    post("n=\"1\"", 1);
    post("n=\"2\"", 2);
    pass(CFG_SCRAPER_TIMEOUT_MS - 1);
    uint32_t handle = begin("a");
    assert_true(delivery_commit(&d, handle, now.monotonic_ms));
    post("n=\"3\"", 3);
    assert_int_equal(d.events.stats.used, 3);
    pass(1);
    assert_int_equal(d.scrapers.stats.used, 1);
    assert_true(d.counts.released == 2); /* the third waits for a as well */
    scrape("b", "");
    scrape("a", HEAD "events_to_metrics{n=\"3\"} 3\n");
}

static void not_forgotten_in_the_middle_of_a_scrape(void **state) {
    struct scraper_identity who = identity("a");
    struct problem p;
    (void)state;
    post("", 1);
    assert_true(
        delivery_begin(&d, &who, 2 * CFG_SCRAPER_TIMEOUT_MS, now.monotonic_ms, now, &cursor, &p));
    pass(2 * CFG_SCRAPER_TIMEOUT_MS);
    assert_true(delivery_commit(&d, cursor.handle, now.monotonic_ms));
    assert_non_null(delivery_scraper(&d, 0));
    pass(CFG_SCRAPER_TIMEOUT_MS);
    assert_null(delivery_scraper(&d, 0));
    assert_true(d.counts.released == 0);
}

static void after_all_are_forgotten_events_are_held_again(void **state) {
    (void)state;
    scrape("a", "");
    pass(CFG_SCRAPER_TIMEOUT_MS);
    assert_int_equal(post("", 1).scrapers_count, 0);
    scrape("b", HEAD "events_to_metrics 1\n");
    scrape("a", "");
}

/* ---- events with the same labels ---------------------------------------------------------- */

static void queue_is_one_a_scrape(void **state) {
    (void)state;
    post("n=\"1\"", 1);
    post("n=\"2\"", 10);
    post("n=\"1\"", 2);
    scrape("a", HEAD "events_to_metrics{n=\"1\"} 1\nevents_to_metrics{n=\"2\"} 10\n");
    post("n=\"1\"", 3);
    scrape("a", HEAD "events_to_metrics{n=\"1\"} 2\n");
    scrape("a", HEAD "events_to_metrics{n=\"1\"} 3\n");
    scrape("a", "");
}

static void last_is_the_newest_value(void **state) {
    (void)state;
    post("", 1);
    post("", 2);
    assert_int_equal(d.events.stats.used, 1);
    uint32_t handle = begin("a");
    expect(HEAD "events_to_metrics 2\n");
    assert_true(post("", 3).event_number == 3); /* beside the one in flight */
    assert_int_equal(d.events.stats.used, 2);
    delivery_rollback(&d, handle);
    scrape("a", HEAD "events_to_metrics 3\n");
}

static void sum_adds_up_for_each_scraper(void **state) {
    (void)state;
    scrape("a", "");
    post("n=\"1\"", 1);
    post("n=\"1\"", 2);
    scrape("b", "");
    post("n=\"1\"", 4);
    post("", 0.5);
    assert_true(post("n=\"1\"", 8).event_number == 5);
    assert_int_equal(d.events.stats.used, 3);
    scrape("b", HEAD "events_to_metrics 0.5\nevents_to_metrics{n=\"1\"} 12\n");
    uint32_t handle = begin("a");
    expect(HEAD "events_to_metrics{n=\"1\"} 15\nevents_to_metrics 0.5\n");
    post("n=\"1\"", 100);
    assert_int_equal(begin("a"), 0); /* one sum at a time */
    assert_true(delivery_commit(&d, handle, now.monotonic_ms));
    scrape("a", HEAD "events_to_metrics{n=\"1\"} 100\n");
    scrape("b", HEAD "events_to_metrics{n=\"1\"} 100\n");
}

static void a_hot_event_does_not_fill_the_table(void **state) {
    (void)state;
    scrape("a", "");
    for (unsigned i = 0; i < 10 * CFG_EVENTS_MAX; i++) {
        post("", 1);
    }
    assert_int_equal(d.events.stats.used, 1);
    scrape("a", HEAD "events_to_metrics 400\n");
}

/* ---- timestamps --------------------------------------------------------------------------- */

static void stamped_events_share_a_scrape(void **state) {
    (void)state;
    post("n=\"1\"", 1);
    post("n=\"2\"", 2);
    post("n=\"1\"", 3);
    pass(1500);
    post("n=\"1\"", 4);
    uint32_t handle = begin("a");
    expect(HEAD "events_to_metrics{n=\"1\"} 1 1795000000000\n"
                "events_to_metrics{n=\"1\"} 3 1795000000001\n"
                "events_to_metrics{n=\"1\"} 4 1795000001500\n"
                "events_to_metrics{n=\"2\"} 2 1795000000000\n");
    expect_pieces(HEAD "events_to_metrics{n=\"1\"} 1 1795000000.000\n"
                       "events_to_metrics{n=\"1\"} 3 1795000000.001\n"
                       "events_to_metrics{n=\"1\"} 4 1795000001.500\n"
                       "events_to_metrics{n=\"2\"} 2 1795000000.000\n",
                  CFG_LINE_BYTES, true);
    assert_true(delivery_commit(&d, handle, now.monotonic_ms));
}

static void a_sample_keeps_its_time_when_it_goes_again(void **state) {
    (void)state;
    post("", 1);
    post("", 2);
    uint32_t handle = begin("a");
    pass(2000);
    delivery_rollback(&d, handle);
    scrape("a", HEAD "events_to_metrics 1 1795000000000\nevents_to_metrics 2 1795000000001\n");
}

static void times_increase_after_the_earlier_event_is_gone(void **state) {
    (void)state;
    post("", 1);
    post("", 2);
    begin("a");
    assert_true(delivery_commit(&d, cursor.handle, now.monotonic_ms));
    post("", 3);
    scrape("a", HEAD "events_to_metrics 3 1795000000002\n");
}

static void old_events_go_without(void **state) {
    (void)state;
    post("n=\"1\"", 1);
    post("n=\"2\"", 2);
    pass(1);
    post("n=\"1\"", 3);
    pass(CFG_EVENT_TIMESTAMP_AGE_MS);
    post("n=\"3\"", 4);
    scrape("a", HEAD "events_to_metrics{n=\"1\"} 1\nevents_to_metrics{n=\"2\"} 2\n"
                     "events_to_metrics{n=\"3\"} 4 1795000300001\n");
    post("n=\"1\"", 5);
    scrape("a", HEAD "events_to_metrics{n=\"1\"} 3\n");
    scrape("a", HEAD "events_to_metrics{n=\"1\"} 5\n");
    pass(CFG_EVENT_TIMESTAMP_AGE_MS + 1000);
    post("n=\"1\"", 6);
    scrape("a", HEAD "events_to_metrics{n=\"1\"} 6 1795000601001\n");
}

static void before_the_clock_is_set_they_go_without(void **state) {
    (void)state;
    now.unix_ms = EVENT_TIMES_UNKNOWN;
    post("n=\"1\"", 1);
    post("n=\"1\"", 2);
    post("n=\"2\"", 3);
    scrape("a", HEAD "events_to_metrics{n=\"1\"} 1\nevents_to_metrics{n=\"2\"} 3\n");
    now.unix_ms = INT64_C(1795000000000);
    post("n=\"1\"", 4);
    post("n=\"3\"", 5);
    scrape("a", HEAD "events_to_metrics{n=\"1\"} 2\n"
                     "events_to_metrics{n=\"3\"} 5 1795000000000\n");
    scrape("a", HEAD "events_to_metrics{n=\"1\"} 4\n");
}

static void a_clock_set_back_stops_timestamps_ahead_of_it(void **state) {
    (void)state;
    post("", 1);
    now.unix_ms -= 2 * (int64_t)MINUTE_MS;
    scrape("a", HEAD "events_to_metrics 1\n");
}

static void merged_events_carry_the_newest_time(void **state) {
    (void)state;
    start(DELIVERY_SUM, true);
    scrape("a", "");
    post("", 1);
    pass(10);
    post("", 2);
    uint32_t handle = begin("a");
    expect(HEAD "events_to_metrics 3 1795000000010\n");
    post("", 4);
    delivery_rollback(&d, handle);
    scrape("a", HEAD "events_to_metrics 7 1795000000011\n");
}

/* ---- writing ------------------------------------------------------------------------------ */

/* Whatever the room: whole lines, all of them, nothing written past the room. */
static void every_size_of_room(void **state) {
    static char expected[8192];
    struct text text = text_over(expected, sizeof expected - 1);
    (void)state;
    text_puts(&text, HEAD);
    for (unsigned i = 0; i < CFG_EVENTS_MAX; i++) {
        char labels[40];
        (void)snprintf(labels, sizeof labels, "n=\"%u\",pad=\"%.*s\"", i, (int)(i % 13),
                       "xxxxxxxxxxxxx");
        post(labels, i);
        text_puts(&text, "events_to_metrics{");
        text_puts(&text, labels);
        text_puts(&text, "} ");
        text_put_u64(&text, i);
        text_put_char(&text, '\n');
    }
    expected[text.len] = '\0';
    uint32_t handle = begin("a");
    for (uint32_t room = sizeof HEAD - 1; room < text.len + 2; room++) {
        expect_pieces(expected, room, false);
    }
    for (uint32_t room = 0; room < sizeof HEAD - 1; room++) {
        char bytes[sizeof HEAD];
        struct delivery_cursor c = cursor;
        struct text out = text_over(bytes, room);
        assert_false(delivery_pull(&d, &c, false, &out));
        assert_int_equal(out.len, 0);
    }
    assert_true(delivery_commit(&d, handle, now.monotonic_ms));
}

static void posts_meanwhile_do_not_disturb(void **state) {
    char bytes[sizeof HEAD + 30];
    struct text out = text_over(bytes, sizeof bytes);
    (void)state;
    scrape("a", "");
    scrape("b", "");
    post("n=\"1\"", 1);
    post("n=\"2\"", 2);
    post("n=\"3\"", 3);
    uint32_t handle = begin("a");
    assert_false(delivery_pull(&d, &cursor, false, &out)); /* one line of three fits */
    struct delivery_cursor half_way = cursor;
    uint32_t other = begin("b");
    assert_true(delivery_commit(&d, other, now.monotonic_ms));
    post("n=\"2\"", 20);
    post("n=\"4\"", 4);
    cursor = half_way;
    expect("events_to_metrics{n=\"2\"} 2\nevents_to_metrics{n=\"3\"} 3\n");
    assert_true(delivery_commit(&d, handle, now.monotonic_ms));
    scrape("a", HEAD "events_to_metrics{n=\"2\"} 20\nevents_to_metrics{n=\"4\"} 4\n");
    scrape("b", HEAD "events_to_metrics{n=\"2\"} 20\nevents_to_metrics{n=\"4\"} 4\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(held_for_the_first_scraper, queue, nothing_left),
        cmocka_unit_test_setup_teardown(each_known_scraper_gets_it_once, queue, nothing_left),
        cmocka_unit_test_setup_teardown(pending_again_when_the_connection_dies, queue,
                                        nothing_left),
        cmocka_unit_test_setup_teardown(in_time_until_the_last_millisecond, queue, nothing_left),
        cmocka_unit_test_setup_teardown(time_counts_from_the_request, queue, nothing_left),
        cmocka_unit_test_setup_teardown(unannounced_and_huge_timeouts, queue, nothing_left),
        cmocka_unit_test_setup_teardown(the_poll_takes_back_what_is_out_of_time, queue,
                                        nothing_left),
        cmocka_unit_test_setup_teardown(a_poll_with_an_older_clock_is_harmless, queue,
                                        nothing_left),
        cmocka_unit_test_setup_teardown(strange_handles_are_harmless, queue, nothing_left),
        cmocka_unit_test_setup_teardown(two_scrapes_never_share_an_event, queue, nothing_left),
        cmocka_unit_test_setup_teardown(without_a_free_scrape_events_wait, queue, nothing_left),
        cmocka_unit_test_setup_teardown(order_of_labels_holds_over_a_rollback, queue, nothing_left),
        cmocka_unit_test_setup_teardown(a_full_table_drops_nothing, queue, nothing_left),
        cmocka_unit_test_setup_teardown(a_person_gives_way_a_prometheus_does_not, queue,
                                        nothing_left),
        cmocka_unit_test_setup_teardown(a_person_in_the_middle_of_a_scrape_stays, queue,
                                        nothing_left),
        cmocka_unit_test_setup_teardown(who_stays_away_is_forgotten, queue, nothing_left),
        cmocka_unit_test_setup_teardown(not_forgotten_in_the_middle_of_a_scrape, queue,
                                        nothing_left),
        cmocka_unit_test_setup_teardown(after_all_are_forgotten_events_are_held_again, queue,
                                        nothing_left),
        cmocka_unit_test_setup_teardown(queue_is_one_a_scrape, queue, nothing_left),
        cmocka_unit_test_setup_teardown(last_is_the_newest_value, last, nothing_left),
        cmocka_unit_test_setup_teardown(sum_adds_up_for_each_scraper, sum, nothing_left),
        cmocka_unit_test_setup_teardown(a_hot_event_does_not_fill_the_table, sum, nothing_left),
        cmocka_unit_test_setup_teardown(stamped_events_share_a_scrape, stamped, nothing_left),
        cmocka_unit_test_setup_teardown(a_sample_keeps_its_time_when_it_goes_again, stamped,
                                        nothing_left),
        cmocka_unit_test_setup_teardown(times_increase_after_the_earlier_event_is_gone, stamped,
                                        nothing_left),
        cmocka_unit_test_setup_teardown(old_events_go_without, stamped, nothing_left),
        cmocka_unit_test_setup_teardown(before_the_clock_is_set_they_go_without, stamped,
                                        nothing_left),
        cmocka_unit_test_setup_teardown(a_clock_set_back_stops_timestamps_ahead_of_it, stamped,
                                        nothing_left),
        cmocka_unit_test_setup_teardown(merged_events_carry_the_newest_time, stamped, nothing_left),
        cmocka_unit_test_setup_teardown(every_size_of_room, queue, nothing_left),
        cmocka_unit_test_setup_teardown(posts_meanwhile_do_not_disturb, queue, nothing_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
