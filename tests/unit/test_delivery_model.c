/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_delivery_model.c: random posts, scrapes, acknowledgements, losses and silences, against a
 * model that keeps every event for ever and a state for each scraper, and against what Prometheus
 * does with the samples. `SEED=n` runs one seed, `SEEDS=n` so many from it (default 40).
 */
#include "events/delivery.h"
#include "random_numbers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SETS 5u  /* label sets */
#define NAMES 6u /* scrapers that may come; more than the table has */
#define EVENTS 1500u
#define STEPS 1500u
#define AGE_MS ((int64_t)CFG_EVENT_TIMESTAMP_AGE_MS)
#define AGE_S (CFG_EVENT_TIMESTAMP_AGE_MS / 1000u)
#define SCRAPES_MAX CFG_SCRAPES_IN_FLIGHT_MAX

/* What an event is to a scraper. */
enum state {
    NOT_DUE, /* posted before it came */
    PENDING,
    IN_FLIGHT,
    DELIVERED,
    RELEASED, /* the scraper was forgotten */
};

struct model_event {
    unsigned set;
    unsigned value;
    int64_t unix_ms;
    uint32_t posted_s;
    bool held; /* no scraper was known, and none has come since */
    enum state state[NAMES];
};

struct model_scrape {
    uint32_t handle;
    unsigned scraper;
    uint8_t entry; /* of the scraper in the table */
    uint32_t started_ms;
    uint32_t timeout_ms;
    bool carries[EVENTS];
};

struct model_scraper {
    bool known;
    bool announced;
    uint32_t seen_ms;
};

static struct delivery d;
static struct delivery_options options;
static struct delivery_now now;
static uint64_t uptime_ms;
static struct model_event events[EVENTS];
static unsigned events_count;
static struct model_scraper scrapers[NAMES];
static struct model_scrape scrapes[SCRAPES_MAX];
static int64_t set_last_ms[SETS];
static uint32_t set_plain_s[SETS];
static bool set_plain_to[SETS][CFG_SCRAPERS_MAX]; /* by entry: who had one in that period */
static int64_t seen_unix_ms;
static uint64_t delivered_count; /* events to scrapers, before merging */

static const char *labels_of(unsigned set) {
    static const char *const labels[SETS] = {"", "a=\"1\"", "a=\"2\"", "b=\"x\"",
                                             "a=\"1\",b=\"x\""};
    return labels[set];
}

static struct slice slice_of(const char *string) {
    return (struct slice){string, (uint32_t)strlen(string)};
}

static bool buckets_differ(void) {
    _Static_assert(EVENT_TIMES_BUCKETS <= 32, "a bit of `seen` for each");
    uint32_t seen = 0;
    for (unsigned set = 0; set < SETS; set++) {
        uint32_t hash = event_table_hash(&d.events, slice_of(labels_of(set)));
        uint32_t bit = 1u << (((uint64_t)hash * EVENT_TIMES_BUCKETS) >> 32);
        if (seen & bit) {
            return false;
        }
        seen |= bit;
    }
    return true;
}

static void start(uint64_t seed, enum delivery_duplicates duplicates, bool timestamps,
                  uint32_t scraper_timeout_ms) {
    uint8_t key[HASH_KEY_BYTES] = {0};
    random_state = seed * 2654435761u + duplicates * 2u + timestamps;
    options = (struct delivery_options){scraper_timeout_ms, duplicates, timestamps, NULL};
    now = (struct delivery_now){0u - random_below(4000000), EVENT_TIMES_UNKNOWN};
    uptime_ms = 1000;
    do {
        key[random_below(HASH_KEY_BYTES)]++;
        delivery_init(&d, &options, key, now.monotonic_ms);
    } while (!buckets_differ());
    memset(events, 0, sizeof events);
    memset(scrapers, 0, sizeof scrapers);
    memset(scrapes, 0, sizeof scrapes);
    memset(set_plain_s, 0, sizeof set_plain_s);
    memset(set_plain_to, 0, sizeof set_plain_to);
    for (unsigned set = 0; set < SETS; set++) {
        set_last_ms[set] = EVENT_TIMES_UNKNOWN;
    }
    events_count = 0;
    seen_unix_ms = EVENT_TIMES_UNKNOWN;
    delivered_count = 0;
}

static struct scraper_identity identity_of(unsigned scraper) {
    char name[] = "s0";
    struct scraper_identity who;
    struct problem p;
    name[1] = (char)('0' + scraper);
    assert_true(scrapers_identify(&who, slice_of(name), SLICE(""), SLICE(""), true, &p));
    return who;
}

/* ---- the model ---------------------------------------------------------------------------- */

static bool model_live(const struct model_event *e) {
    bool live = e->held;
    for (unsigned s = 0; s < NAMES; s++) {
        live = live || e->state[s] == PENDING || e->state[s] == IN_FLIGHT;
    }
    return live;
}

static unsigned model_live_count(void) {
    unsigned count = 0;
    for (unsigned i = 0; i < events_count; i++) {
        count += model_live(&events[i]);
    }
    return count;
}

static unsigned model_known(void) {
    unsigned count = 0;
    for (unsigned s = 0; s < NAMES; s++) {
        count += scrapers[s].known;
    }
    return count;
}

static int64_t model_time(unsigned set) {
    int64_t given = now.unix_ms;
    if (!options.timestamps || now.unix_ms < 0) {
        return EVENT_TIMES_UNKNOWN;
    }
    if (seen_unix_ms >= 0 && now.unix_ms < seen_unix_ms - 60000) {
        for (unsigned i = 0; i < SETS; i++) {
            set_last_ms[i] = EVENT_TIMES_UNKNOWN;
        }
    }
    seen_unix_ms = now.unix_ms;
    if (set_last_ms[set] >= given) {
        given = set_last_ms[set] + 1;
    }
    if (given > now.unix_ms + 60000) {
        return EVENT_TIMES_UNKNOWN;
    }
    set_last_ms[set] = given;
    return given;
}

static void model_post(unsigned set, unsigned value) {
    struct model_event *e = &events[events_count++];
    *e = (struct model_event){.set = set, .value = value, .held = model_known() == 0};
    e->unix_ms = model_time(set);
    e->posted_s = (uint32_t)(uptime_ms / 1000u);
    for (unsigned s = 0; s < NAMES; s++) {
        e->state[s] = scrapers[s].known ? PENDING : NOT_DUE;
    }
}

static void model_forget(unsigned scraper) {
    scrapers[scraper].known = false;
    for (unsigned i = 0; i < events_count; i++) {
        assert_int_not_equal(events[i].state[scraper], IN_FLIGHT);
        if (events[i].state[scraper] == PENDING) {
            events[i].state[scraper] = RELEASED;
        }
    }
}

static bool model_busy(unsigned scraper) {
    for (unsigned i = 0; i < SCRAPES_MAX; i++) {
        if (scrapes[i].handle != 0 && scrapes[i].scraper == scraper) {
            return true;
        }
    }
    return false;
}

/* False: there is no room for it. */
static bool model_admit(unsigned scraper) {
    if (model_known() == CFG_SCRAPERS_MAX) {
        unsigned victim = NAMES;
        for (unsigned s = 0; s < NAMES; s++) {
            if (scrapers[s].known && !scrapers[s].announced && !model_busy(s) &&
                (victim == NAMES || now.monotonic_ms - scrapers[s].seen_ms >
                                        now.monotonic_ms - scrapers[victim].seen_ms)) {
                victim = s;
            }
        }
        if (victim == NAMES) {
            return false;
        }
        model_forget(victim);
    }
    scrapers[scraper] = (struct model_scraper){.known = true};
    for (unsigned i = 0; i < events_count; i++) {
        if (events[i].held) {
            events[i].held = false;
            events[i].state[scraper] = PENDING;
        } else if (events[i].state[scraper] == PENDING) {
            fail();
        }
    }
    return true;
}

static bool model_fresh(const struct model_event *e) {
    if (now.unix_ms < 0) {
        return (uint32_t)(uptime_ms / 1000u) - e->posted_s + 1u < AGE_S;
    }
    return now.unix_ms - e->unix_ms <= AGE_MS && e->unix_ms - now.unix_ms <= 60000;
}

static bool model_usable(const struct model_event *e, uint8_t entry) {
    return options.timestamps && e->unix_ms >= 0 && model_fresh(e) &&
           (!set_plain_to[e->set][entry] || e->posted_s > set_plain_s[e->set] + AGE_S);
}

static void model_plain(unsigned set, uint8_t entry) {
    uint32_t uptime_s = (uint32_t)(uptime_ms / 1000u);
    if (uptime_s > set_plain_s[set] + AGE_S) {
        memset(set_plain_to[set], 0, sizeof set_plain_to[set]);
    }
    set_plain_to[set][entry] = true;
    set_plain_s[set] = uptime_s;
}

static void put_line(struct text *t, unsigned set, unsigned value, const struct model_event *time) {
    text_puts(t, "events_to_metrics");
    if (set != 0) {
        text_put_char(t, '{');
        text_puts(t, labels_of(set));
        text_put_char(t, '}');
    }
    text_put_char(t, ' ');
    text_put_u64(t, value);
    if (time != NULL) {
        text_put_char(t, ' ');
        text_put_u64(t, (uint64_t)time->unix_ms);
    }
    text_put_char(t, '\n');
}

/* One label set of a scrape under the queue rule. */
static void model_take_queue(struct model_scrape *scrape, unsigned set, struct text *t) {
    const struct model_event *before = NULL;
    for (unsigned i = 0; i < events_count; i++) {
        struct model_event *e = &events[i];
        if (e->set != set || e->state[scrape->scraper] != PENDING) {
            continue;
        }
        bool usable = model_usable(e, scrape->entry);
        if (before != NULL && (!usable || e->unix_ms <= before->unix_ms)) {
            return;
        }
        put_line(t, set, e->value, usable ? e : NULL);
        e->state[scrape->scraper] = IN_FLIGHT;
        scrape->carries[i] = true;
        if (!usable) {
            model_plain(set, scrape->entry);
            return;
        }
        before = e;
    }
}

/* One label set of a scrape as its last value or the sum. */
static void model_take_one(struct model_scrape *scrape, unsigned set, struct text *t) {
    struct model_event *newest = NULL;
    unsigned value = 0;
    for (unsigned i = 0; i < events_count; i++) {
        struct model_event *e = &events[i];
        if (e->set == set && e->state[scrape->scraper] == PENDING) {
            e->state[scrape->scraper] = IN_FLIGHT;
            scrape->carries[i] = true;
            value = options.duplicates == DELIVERY_SUM ? value + e->value : e->value;
            newest = e;
        }
    }
    bool usable = model_usable(newest, scrape->entry);
    put_line(t, set, value, usable ? newest : NULL);
    if (!usable) {
        model_plain(set, scrape->entry);
    }
}

/* Expected lines, label sets in the order of their oldest event. */
static void model_take(struct model_scrape *scrape, struct text *t) {
    bool done[SETS] = {false};
    for (unsigned i = 0; i < events_count; i++) {
        done[events[i].set] |= events[i].state[scrape->scraper] == IN_FLIGHT;
    }
    for (unsigned i = 0; i < events_count; i++) {
        if (events[i].state[scrape->scraper] == PENDING && !done[events[i].set]) {
            done[events[i].set] = true;
            if (options.duplicates == DELIVERY_QUEUE) {
                model_take_queue(scrape, events[i].set, t);
            } else {
                model_take_one(scrape, events[i].set, t);
            }
        }
    }
}

static void model_end(struct model_scrape *scrape, bool delivered) {
    for (unsigned i = 0; i < events_count; i++) {
        if (scrape->carries[i]) {
            assert_int_equal(events[i].state[scrape->scraper], IN_FLIGHT);
            events[i].state[scrape->scraper] = delivered ? DELIVERED : PENDING;
            delivered_count += delivered;
        }
    }
    scrape->handle = 0;
}

/* ---- comparing ---------------------------------------------------------------------------- */

/* Cuts the next line off, its line feed included. */
static struct slice next_line(struct slice *rest) {
    uint32_t len = 0;
    while (rest->bytes[len++] != '\n') {
    }
    struct slice line = {rest->bytes, len};
    *rest = (struct slice){rest->bytes + len, rest->len - len};
    return line;
}

/* The same lines in any order: where posts were merged, label sets may stand in another one. */
static void expect_same_lines(struct slice got, struct slice expected) {
    assert_int_equal(got.len, expected.len);
    while (expected.len > 0) {
        struct slice line = next_line(&expected);
        struct slice rest = got;
        bool found = false;
        while (rest.len > 0 && !found) {
            found = slice_equals(next_line(&rest), line);
        }
        assert_true(found);
    }
}

static struct slice pull_all(struct delivery_cursor *cursor, char *bytes, uint32_t capacity) {
    struct text all = text_over(bytes, capacity);
    bool done = false;
    while (!done) {
        uint32_t room = 128 + random_below(300);
        struct text out = text_over(bytes + all.len, room);
        assert_true(all.len + room <= capacity);
        done = delivery_pull(&d, cursor, false, &out);
        all.len += out.len;
    }
    struct slice got = text_slice(&all);
    if (got.len > 0) {
        assert_true(slice_equals(next_line(&got), SLICE("# HELP events_to_metrics One-shot events, "
                                                        "each exposed exactly once.\n")));
        assert_true(slice_equals(next_line(&got), SLICE("# TYPE events_to_metrics gauge\n")));
        assert_true(got.len > 0);
    }
    return got;
}

static void check_counts(void) {
    unsigned live = model_live_count();
    if (options.duplicates == DELIVERY_QUEUE) {
        assert_int_equal(d.events.stats.used, live);
        assert_true(d.counts.delivered == delivered_count);
    } else {
        assert_true(d.events.stats.used <= live && (live == 0 || d.events.stats.used > 0));
    }
    assert_int_equal(d.scrapers.stats.used, model_known());
    for (uint8_t i = 0; i < CFG_SCRAPERS_MAX; i++) {
        uint32_t due = 0;
        if (delivery_scraper(&d, i) == NULL) {
            continue;
        }
        for (uint16_t e = d.events.oldest; e != EVENT_TABLE_NONE; e = d.events.slots[e].newer) {
            due += ((uint32_t)d.events.slots[e].due >> i) & 1u;
        }
        assert_int_equal(delivery_pending_count(&d, i), due);
    }
}

/* ---- steps -------------------------------------------------------------------------------- */

static void step_post(void) {
    unsigned set = random_below(SETS);
    unsigned value = random_below(1000);
    struct delivery_receipt receipt;
    struct problem p;
    if (events_count == EVENTS) {
        return;
    }
    if (delivery_post(&d, slice_of(labels_of(set)), value, now, &receipt, &p)) {
        model_post(set, value);
        assert_true(receipt.event_number == events_count);
        assert_int_equal(receipt.scrapers_count, model_known());
    } else {
        assert_int_equal(d.events.stats.used, CFG_EVENTS_MAX);
        assert_true(model_live_count() >= CFG_EVENTS_MAX);
    }
}

static void step_time(uint32_t ms) {
    now.monotonic_ms += ms;
    uptime_ms += ms;
    now.unix_ms += now.unix_ms >= 0 ? (int64_t)ms : 0;
    delivery_poll(&d, now.monotonic_ms);
    for (unsigned i = 0; i < SCRAPES_MAX; i++) {
        if (scrapes[i].handle != 0 &&
            now.monotonic_ms - scrapes[i].started_ms > scrapes[i].timeout_ms) {
            model_end(&scrapes[i], false);
        }
    }
    for (unsigned s = 0; s < NAMES; s++) {
        if (scrapers[s].known && !model_busy(s) &&
            now.monotonic_ms - scrapers[s].seen_ms >= options.scraper_timeout_ms) {
            model_forget(s);
        }
    }
}

static struct model_scrape *free_scrape(void) {
    for (unsigned i = 0; i < SCRAPES_MAX; i++) {
        if (scrapes[i].handle == 0) {
            return &scrapes[i];
        }
    }
    return NULL;
}

static void step_scrape(unsigned scraper, uint32_t timeout_ms) {
    static char bytes[32768];
    static char expected_bytes[32768];
    struct model_scrape *scrape = free_scrape();
    struct scraper_identity who = identity_of(scraper);
    struct text expected = text_over(expected_bytes, sizeof expected_bytes);
    struct delivery_cursor cursor;
    struct problem p;
    uint32_t started_ms = now.monotonic_ms - random_below(50);
    bool admitted = scrapers[scraper].known || model_admit(scraper);
    assert_int_equal(delivery_begin(&d, &who, timeout_ms, started_ms, now, &cursor, &p), admitted);
    if (!admitted) {
        return;
    }
    scrapers[scraper].seen_ms = now.monotonic_ms;
    scrapers[scraper].announced |= timeout_ms != 0;
    if (scrape != NULL) {
        memset(scrape->carries, 0, sizeof scrape->carries);
        scrape->scraper = scraper;
        scrape->entry = scrapers_find(&d.scrapers, &who);
        scrape->started_ms = started_ms;
        scrape->timeout_ms = timeout_ms != 0 ? timeout_ms : CFG_SCRAPE_TIMEOUT_MS;
        model_take(scrape, &expected);
    }
    assert_int_equal(cursor.handle != 0, expected.len != 0);
    if (scrape != NULL) {
        scrape->handle = cursor.handle;
    }
    struct slice got = pull_all(&cursor, bytes, sizeof bytes);
    expect_same_lines(got, text_slice(&expected));
    if (options.duplicates == DELIVERY_QUEUE) {
        assert_true(slice_equals(got, text_slice(&expected)));
    }
}

static void step_end(void) {
    struct model_scrape *scrape = &scrapes[random_below(SCRAPES_MAX)];
    step_time(1); /* so that no two scrapers were seen at the same time */
    uint32_t handle = scrape->handle;
    if (handle == 0) {
        return;
    }
    if (random_below(3) == 0) {
        delivery_rollback(&d, handle);
        model_end(scrape, false);
    } else {
        bool in_time = now.monotonic_ms - scrape->started_ms <= scrape->timeout_ms;
        scrapers[scrape->scraper].seen_ms = now.monotonic_ms;
        assert_int_equal(delivery_commit(&d, handle, now.monotonic_ms), in_time);
        model_end(scrape, in_time);
    }
    assert_false(delivery_commit(&d, handle, now.monotonic_ms));
}

static void step_clock(void) {
    static const int64_t jumps_ms[] = {-700000, -90000, -30000, -100, 100, 30000, 90000, 700000};
    if (now.unix_ms < 0) {
        now.unix_ms = INT64_C(1795000000000) + random_below(1000);
    } else {
        now.unix_ms += jumps_ms[random_below(sizeof jumps_ms / sizeof jumps_ms[0])];
    }
}

static void step_any(unsigned busy) {
    unsigned choice = random_below(100);
    if (choice < busy) {
        step_post();
    } else if (choice < 70) {
        step_time(1); /* so that no two scrapers were seen at the same time */
        step_scrape(random_below(NAMES), random_below(4) == 0 ? 0 : 1000 + random_below(20000));
    } else if (choice < 90) {
        step_end();
    } else if (choice < 98) {
        step_time(random_below(8000));
    } else if (choice < 99) {
        step_time(random_below(400000));
    } else {
        step_clock();
    }
}

/* Everything ends: scrapes by all who are known until nothing waits. */
static void drain(void) {
    for (unsigned i = 0; i < SCRAPES_MAX; i++) {
        delivery_rollback(&d, scrapes[i].handle);
        if (scrapes[i].handle != 0) {
            model_end(&scrapes[i], false);
        }
    }
    if (model_known() == 0) {
        step_scrape(0, 1000);
    }
    for (unsigned round = 0; model_live_count() > 0 || scrapes[0].handle != 0; round++) {
        assert_true(round < EVENTS * NAMES);
        if (scrapes[0].handle != 0) {
            assert_true(delivery_commit(&d, scrapes[0].handle, now.monotonic_ms));
            model_end(&scrapes[0], true);
            scrapers[scrapes[0].scraper].seen_ms = now.monotonic_ms;
        }
        if (scrapers[round % NAMES].known) {
            step_scrape(round % NAMES, 1000);
        }
    }
}

static void check_the_end(void) {
    assert_int_equal(d.events.stats.used, 0);
    assert_int_equal(d.scrapes_stats.used, 0);
    assert_true(d.counts.posted == events_count);
    for (unsigned i = 0; i < events_count; i++) {
        for (unsigned s = 0; s < NAMES; s++) {
            assert_true(events[i].state[s] != PENDING && events[i].state[s] != IN_FLIGHT);
        }
    }
    for (unsigned i = 0; i < CFG_EVENTS_MAX; i++) {
        assert_int_equal(d.events.buckets[i], EVENT_TABLE_NONE);
    }
    for (unsigned i = 0; i < CFG_EVENTS_MAX; i++) {
        struct delivery_receipt receipt;
        struct problem p;
        char labels[16];
        (void)snprintf(labels, sizeof labels, "n=\"%u\"", i);
        assert_true(delivery_post(&d, slice_of(labels), 1, now, &receipt, &p));
    }
}

static void run_model(uint64_t seed, enum delivery_duplicates duplicates, bool timestamps) {
    start(seed, duplicates, timestamps, seed % 2 ? 120000 : 900000);
    unsigned busy = 20 + random_below(40);
    for (unsigned i = 0; i < STEPS; i++) {
        step_any(busy);
        check_counts();
    }
    drain();
    check_counts();
    check_the_end();
}

/* ---- what Prometheus makes of it ---------------------------------------------------------- */

/* One series of one Prometheus: what its head block would take. */
struct stored {
    int64_t newest_ms;
    bool tracked; /* the last scrape had it without a timestamp: a marker follows */
    uint64_t samples;
};

static struct stored stored[NAMES][SETS];

static void store(struct stored *series, int64_t ms, bool sample) {
    if (ms <= series->newest_ms) {
        fail_msg("a sample at %lld is not newer than %lld", (long long)ms,
                 (long long)series->newest_ms);
    }
    series->newest_ms = ms;
    series->samples += sample;
}

static unsigned set_of(struct slice line) {
    unsigned best = 0;
    struct slice name = SLICE("events_to_metrics{");
    if (!slice_starts_with(line, name)) {
        return 0;
    }
    for (unsigned set = 1; set < SETS; set++) {
        struct slice labels = slice_of(labels_of(set));
        struct slice there = {line.bytes + name.len, labels.len};
        if (slice_equals(there, labels) && line.bytes[name.len + labels.len] == '}') {
            best = set;
        }
    }
    assert_int_not_equal(best, 0);
    return best;
}

/* Stores a scrape's lines: those with a timestamp at it, others at the scrape's time; then a
 * marker for what was there without one in the scrape before and is not now. */
static void ingest(unsigned scraper, struct slice lines, int64_t scrape_ms) {
    bool tracked[SETS] = {false};
    while (lines.len > 0) {
        struct slice line = next_line(&lines);
        unsigned set = set_of(line);
        struct slice rest = {line.bytes, line.len - 1};
        (void)slice_cut(&rest, ' ');
        (void)slice_cut(&rest, ' ');
        int64_t ms = 0;
        for (uint32_t i = 0; i < rest.len; i++) {
            ms = ms * 10 + (rest.bytes[i] - '0');
        }
        tracked[set] = tracked[set] || rest.len == 0;
        store(&stored[scraper][set], rest.len == 0 ? scrape_ms : ms, true);
    }
    for (unsigned set = 0; set < SETS; set++) {
        if (stored[scraper][set].tracked && !tracked[set]) {
            store(&stored[scraper][set], scrape_ms, false);
        }
        stored[scraper][set].tracked = tracked[set];
    }
}

/* A scrape by a Prometheus whose clock is `skew_ms` off, that fails now and then. */
static void scrape_and_store(unsigned scraper, bool fails, int64_t true_ms) {
    static char bytes[32768];
    struct scraper_identity who = identity_of(scraper);
    struct delivery_cursor cursor;
    struct problem p;
    int64_t scrape_ms = true_ms + ((int64_t)scraper - 1) * 20000;
    assert_true(delivery_begin(&d, &who, 10000, now.monotonic_ms, now, &cursor, &p));
    struct slice got = pull_all(&cursor, bytes, sizeof bytes);
    if (fails) {
        delivery_rollback(&d, cursor.handle);
        ingest(scraper, (struct slice){bytes, 0}, scrape_ms);
    } else {
        ingest(scraper, got, scrape_ms);
        assert_int_equal(delivery_commit(&d, cursor.handle, now.monotonic_ms), got.len > 0);
    }
}

/* Each Prometheus scrapes every 15 s or more, with outages longer than timestamps live; the board
 * learns the time only after a while. Every event must become one sample in each. */
static void run_prometheus(uint64_t seed, bool timestamps) {
    const unsigned prometheuses = 3;
    int64_t true_ms = INT64_C(1795000000000);
    uint32_t failing_until[NAMES] = {0};
    start(seed, DELIVERY_QUEUE, timestamps, 900000);
    memset(stored, 0, sizeof stored);
    for (unsigned s = 0; s < prometheuses; s++) {
        scrape_and_store(s, false, true_ms);
    }
    const uint32_t clock_known_s = random_below(600);
    const unsigned rarity = 1 + random_below(40);
    uint64_t posted[SETS] = {0};
    for (uint32_t second = 1; second < 6000; second++) {
        true_ms += 1000;
        step_time(1000);
        if (second == clock_known_s) {
            now.unix_ms = true_ms;
        }
        for (unsigned burst = random_below(3); burst > 0 && random_below(rarity) == 0; burst--) {
            unsigned set = random_below(SETS);
            struct delivery_receipt receipt;
            struct problem p;
            posted[set] +=
                delivery_post(&d, slice_of(labels_of(set)), 1, now, &receipt, &p) ? 1 : 0;
        }
        for (unsigned s = 0; s < prometheuses; s++) {
            if (second % (15 + 10 * s) == s) {
                if (random_below(50) == 0) {
                    failing_until[s] = second + random_below(500);
                }
                scrape_and_store(s, second < failing_until[s], true_ms);
            }
        }
    }
    while (d.events.stats.used > 0) {
        true_ms += 15000;
        step_time(15000);
        for (unsigned s = 0; s < prometheuses; s++) {
            scrape_and_store(s, false, true_ms);
        }
    }
    for (unsigned s = 0; s < prometheuses; s++) {
        for (unsigned set = 0; set < SETS; set++) {
            assert_true(stored[s][set].samples == posted[set]);
        }
    }
    assert_true(d.counts.released == 0);
}

/* ---- seeds -------------------------------------------------------------------------------- */

static uint64_t first_seed;
static uint64_t seeds_count;

static void each_seed(void (*run)(uint64_t seed)) {
    for (uint64_t seed = first_seed; seed < first_seed + seeds_count; seed++) {
        print_message("SEED=%llu\n", (unsigned long long)seed);
        run(seed);
    }
}

static void model_queue(uint64_t seed) {
    run_model(seed, DELIVERY_QUEUE, false);
    run_model(seed, DELIVERY_QUEUE, true);
}

static void model_last(uint64_t seed) {
    run_model(seed, DELIVERY_LAST, false);
    run_model(seed, DELIVERY_LAST, true);
}

static void model_sum(uint64_t seed) {
    run_model(seed, DELIVERY_SUM, false);
    run_model(seed, DELIVERY_SUM, true);
}

static void prometheus(uint64_t seed) {
    run_prometheus(seed, false);
    run_prometheus(seed, true);
}

static void queue_is_as_the_model(void **state) {
    (void)state;
    each_seed(model_queue);
}

static void last_is_as_the_model(void **state) {
    (void)state;
    each_seed(model_last);
}

static void sum_is_as_the_model(void **state) {
    (void)state;
    each_seed(model_sum);
}

static void prometheus_keeps_every_sample(void **state) {
    (void)state;
    each_seed(prometheus);
}

int main(void) {
    const char *seed = getenv("SEED");
    const char *count = getenv("SEEDS");
    first_seed = seed != NULL ? strtoull(seed, NULL, 10) : 1;
    seeds_count = count != NULL ? strtoull(count, NULL, 10) : (seed != NULL ? 1 : 40);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queue_is_as_the_model),
        cmocka_unit_test(last_is_as_the_model),
        cmocka_unit_test(sum_is_as_the_model),
        cmocka_unit_test(prometheus_keeps_every_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
