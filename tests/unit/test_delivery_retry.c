/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_delivery_retry.c: what several Prometheuses have in their databases in the end, after
 * connections that were lost at any moment, acknowledgements that never came, and warm resets of a
 * board that knows the time again only later. Each event is there, and whatever is there twice was
 * counted as ambiguous. `SEED=n` runs one seed, `SEEDS=n` so many from 1 (default 60).
 */
#include "events/delivery.h"
#include "random_numbers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SETS 12u /* label sets: some share a bucket of event_times */
#define PROMETHEUSES 3u
#define EVENTS 600u
#define SECONDS 1500u
#define INTERVAL_S 15u
#define EPOCH_MS INT64_C(1795000000000)

struct series {
    int64_t newest_ms;
    bool tracked; /* was there without a timestamp in the scrape before */
};

static struct delivery d;
static struct delivery_options options;
static struct delivery_now now;
static int64_t true_ms;
static uint32_t clock_known_s; /* from this second on the board knows the time */
static const uint8_t key[HASH_KEY_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};

static struct series series[PROMETHEUSES][SETS];
static unsigned stored_count[PROMETHEUSES][EVENTS];
static int64_t stored_ms[PROMETHEUSES][EVENTS];
static unsigned set_of[EVENTS];
static unsigned events_count;
static uint32_t resets_count;
static bool told[PROMETHEUSES][EVENTS]; /* the console said that it may be there twice */

/* ---- Prometheus (FACTS 2) ----------------------------------------------------------------- */

static void store(unsigned prometheus, unsigned event, int64_t ms) {
    struct series *s = &series[prometheus][set_of[event]];
    if (stored_count[prometheus][event] > 0 && stored_ms[prometheus][event] == ms) {
        return; /* the same sample: nothing happens */
    }
    if (ms <= s->newest_ms) {
        fail_msg("event %u comes to %u at %lld, not newer than %lld", event, prometheus,
                 (long long)ms, (long long)s->newest_ms);
    }
    s->newest_ms = ms;
    stored_ms[prometheus][event] = ms;
    stored_count[prometheus][event]++;
}

/* Reads a sample's value, which is the number of its event, and its time; -1 when it has none. */
static unsigned read_sample(struct slice line, int64_t *ms) {
    double value;
    double time = -1;
    struct slice rest = line;
    (void)slice_cut(&rest, ' ');
    assert_true(number_parse(slice_cut(&rest, ' '), &value));
    assert_true(rest.len == 0 || number_parse(rest, &time));
    *ms = (int64_t)time;
    return (unsigned)value;
}

/* A scrape that ended well for Prometheus, or (no lines) that failed. */
static void ingest(unsigned prometheus, struct slice page, int64_t scrape_ms) {
    bool tracked[SETS] = {false};
    while (page.len > 0) {
        struct slice line = slice_cut(&page, '\n');
        if (slice_starts_with(line, SLICE("events_to_metrics"))) {
            int64_t ms;
            const unsigned event = read_sample(line, &ms);
            tracked[set_of[event]] = tracked[set_of[event]] || ms < 0;
            store(prometheus, event, ms < 0 ? scrape_ms : ms);
        }
    }
    for (unsigned set = 0; set < SETS; set++) {
        struct series *s = &series[prometheus][set];
        if (s->tracked && !tracked[set]) {
            s->newest_ms = scrape_ms > s->newest_ms ? scrape_ms : s->newest_ms; /* its marker */
        }
        s->tracked = tracked[set];
    }
}

/* ---- the console -------------------------------------------------------------------------- */

static void tell_range(unsigned prometheus, struct slice range) {
    uint32_t first;
    uint32_t last;
    assert_true(slice_to_u32(slice_cut(&range, '-'), EVENTS, &first));
    last = first;
    assert_true(range.len == 0 || slice_to_u32(range, EVENTS, &last));
    for (uint32_t number = first; number <= last; number++) {
        told[prometheus][number - 1] = true;
    }
}

/* events 17-19, 23 may come twice to p0 */
static void warn(struct slice line) {
    const unsigned prometheus = (unsigned)(line.bytes[line.len - 1] - '0');
    (void)slice_cut(&line, ' ');
    for (;;) {
        struct slice word = slice_cut(&line, ' ');
        if (slice_equals(word, SLICE("may"))) {
            return;
        }
        if (slice_equals(word, SLICE("and"))) { /* so many more */
            memset(told[prometheus], true, sizeof told[prometheus]);
            return;
        }
        tell_range(prometheus, slice_cut(&word, ','));
    }
}

/* ---- the board ---------------------------------------------------------------------------- */

static void reset(uint32_t second) {
    struct delivery_recovery found;
    now.monotonic_ms = random_below(100000);
    delivery_recover(&d, &options, key, now.monotonic_ms, &found);
    assert_int_equal(
        found.damaged_events_count + found.damaged_scrapers_count + found.damaged_times_count, 0);
    clock_known_s = second + random_below(40);
    resets_count++;
}

enum end {
    END_WELL,
    END_EARLY,   /* before the last byte was sent: Prometheus stores nothing */
    END_UNACKED, /* Prometheus has it, its acknowledgement is lost */
    END_LOST,    /* the last byte is lost, and nobody knows */
};

/* A scrape, and how it ends: for the board by a lost connection, running out of time or a reset. */
static void scrape(unsigned prometheus, enum end end, uint32_t second) {
    static char bytes[32768];
    char name[] = "p0";
    struct scraper_identity who;
    struct delivery_cursor cursor;
    struct problem p;
    const int64_t scrape_ms = true_ms + (int64_t)prometheus * 3000 - 3000; /* its own clock */
    name[1] = (char)('0' + prometheus);
    assert_true(scrapers_identify(&who, (struct slice){name, 2}, SLICE(""), SLICE(""), true, &p));
    assert_true(delivery_begin(&d, &who, 10000, now.monotonic_ms, now, &cursor, &p));
    const uint32_t handle = cursor.handle;
    struct text out = text_over(bytes, sizeof bytes);
    assert_true(delivery_pull(&d, &cursor, false, &out));
    if (end != END_EARLY) {
        delivery_sent(&d, handle);
    }
    const bool stored = end == END_WELL || end == END_UNACKED;
    ingest(prometheus, stored ? text_slice(&out) : SLICE(""), scrape_ms);
    if (end == END_WELL) {
        assert_int_equal(delivery_commit(&d, handle, now.monotonic_ms), handle != 0);
    } else if (random_below(3) == 0) {
        reset(second);
    } else if (random_below(2) == 0) {
        delivery_rollback(&d, handle);
    } else {
        now.monotonic_ms += 10001; /* true time stands still for this: it is only a timeout */
        delivery_poll(&d, now.monotonic_ms);
    }
}

static void post(void) {
    static const char *const labels[SETS] = {"",        "a=\"1\"", "a=\"2\"", "a=\"3\"",
                                             "a=\"4\"", "b=\"1\"", "b=\"2\"", "b=\"3\"",
                                             "b=\"4\"", "c=\"1\"", "c=\"2\"", "c=\"3\""};
    struct delivery_receipt receipt;
    struct problem p;
    const unsigned set = random_below(SETS);
    const struct slice text = {labels[set], (uint32_t)strlen(labels[set])};
    if (events_count < EVENTS && delivery_post(&d, text, events_count, now, &receipt, &p)) {
        set_of[events_count++] = set;
        assert_int_equal(receipt.event_number, events_count);
        assert_int_equal(receipt.scrapers_count, PROMETHEUSES);
    }
}

/* ---- seeds -------------------------------------------------------------------------------- */

static void begin_world(uint64_t seed, bool timestamps) {
    random_state = seed * 2 + timestamps;
    options = (struct delivery_options){CFG_SCRAPER_TIMEOUT_MS, DELIVERY_QUEUE, timestamps, warn};
    memset(told, 0, sizeof told);
    memset(series, 0, sizeof series);
    memset(stored_count, 0, sizeof stored_count);
    events_count = 0;
    true_ms = EPOCH_MS;
    clock_known_s = 0;
    now = (struct delivery_now){0xfffff000u, true_ms};
    delivery_init(&d, &options, key, now.monotonic_ms);
    for (unsigned i = 0; i < PROMETHEUSES; i++) {
        scrape(i, END_WELL, 0);
    }
}

static void step_second(uint32_t second) {
    true_ms += 1000;
    now.monotonic_ms += 1000;
    now.unix_ms = second >= clock_known_s ? true_ms : EVENT_TIMES_UNKNOWN;
    delivery_poll(&d, now.monotonic_ms);
}

static void expect_all_there(void) {
    uint64_t doubled = 0;
    for (unsigned i = 0; i < PROMETHEUSES; i++) {
        for (unsigned event = 0; event < events_count; event++) {
            assert_true(stored_count[i][event] >= 1);
            assert_true(stored_count[i][event] == 1 || told[i][event]);
            doubled += stored_count[i][event] - 1;
        }
    }
    if (doubled > d.tally.ambiguous) {
        fail_msg("%llu doubled, %llu counted", (unsigned long long)doubled,
                 (unsigned long long)d.tally.ambiguous);
    }
}

/* `trouble`: one of so many scrapes does not end well. */
static void run(uint64_t seed, bool timestamps, unsigned trouble, bool clock_lost) {
    begin_world(seed, timestamps);
    uint32_t second = 1;
    for (; second < SECONDS || d.events.stats.used > 0; second++) {
        const bool calm = second >= SECONDS;
        step_second(second);
        if (!calm && random_below(6) == 0) {
            post();
        }
        if (!calm && random_below(200) == 0) {
            reset(second);
        }
        for (unsigned i = 0; i < PROMETHEUSES; i++) {
            if (second % INTERVAL_S == i * 4) {
                const bool well = calm || random_below(trouble) != 0;
                scrape(i, well ? END_WELL : (enum end)(1 + random_below(3)), second);
            }
        }
        if (!clock_lost) {
            clock_known_s = 0;
        }
    }
    expect_all_there();
}

static uint64_t first_seed = 1;
static uint64_t seeds_count = 60;

static void without_timestamps_what_is_doubled_was_counted(void **state) {
    (void)state;
    for (uint64_t seed = first_seed; seed < first_seed + seeds_count; seed++) {
        print_message("SEED=%llu\n", (unsigned long long)seed);
        run(seed, false, 3, true);
        assert_true(d.tally.ambiguous > 0);
    }
}

/* No scraper stays away for long: every event keeps its timestamp. */
static void with_timestamps_nothing_is_doubled(void **state) {
    (void)state;
    for (uint64_t seed = first_seed; seed < first_seed + seeds_count; seed++) {
        print_message("SEED=%llu\n", (unsigned long long)seed);
        run(seed, true, 3, false);
        assert_true(d.tally.ambiguous == 0);
    }
}

/* After a reset events are posted without a time; those that have one keep it. */
static void while_the_time_is_not_known_what_is_doubled_was_counted(void **state) {
    (void)state;
    for (uint64_t seed = first_seed; seed < first_seed + seeds_count; seed++) {
        print_message("SEED=%llu\n", (unsigned long long)seed);
        run(seed, true, 3, true);
    }
    assert_true(resets_count > 0);
}

int main(void) {
    const char *seed = getenv("SEED");
    const char *count = getenv("SEEDS");
    if (seed != NULL) {
        first_seed = strtoull(seed, NULL, 10);
        seeds_count = 1;
    }
    seeds_count = count != NULL ? strtoull(count, NULL, 10) : seeds_count;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_timestamps_what_is_doubled_was_counted),
        cmocka_unit_test(with_timestamps_nothing_is_doubled),
        cmocka_unit_test(while_the_time_is_not_known_what_is_doubled_was_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
