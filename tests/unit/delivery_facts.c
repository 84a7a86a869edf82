/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * delivery_facts.c: see delivery_facts.h.
 */
#include "delivery_facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NONE EVENT_TABLE_NONE

/* ---- facts -------------------------------------------------------------------------------- */

void delivery_facts_print(const struct delivery *d, char text[DELIVERY_FACTS_BYTES]) {
    int at = snprintf(text, DELIVERY_FACTS_BYTES, "posted %llu, ambiguous %llu\n",
                      (unsigned long long)d->counts.posted, (unsigned long long)d->tally.ambiguous);
    for (uint8_t i = 0; i < CFG_SCRAPERS_MAX; i++) {
        const struct scraper *s = delivery_scraper(d, i);
        if (s != NULL) {
            at += snprintf(text + at, DELIVERY_FACTS_BYTES - (size_t)at, "scraper %u: %.*s\n", i,
                           s->identity.name_bytes, s->identity.name);
        }
    }
    for (uint16_t slot = d->events.oldest; slot != NONE; slot = d->events.slots[slot].newer) {
        const struct event *e = &d->events.slots[slot];
        const struct slice labels = event_table_labels(&d->events, slot);
        at += snprintf(text + at, DELIVERY_FACTS_BYTES - (size_t)at,
                       "event %llu: %.*s = %.17g at %lld, due to %x, stamped to %x\n",
                       (unsigned long long)e->number, (int)labels.len, labels.bytes, e->value,
                       (long long)e->unix_ms, e->due, e->stamped_to);
        assert_true((size_t)at < DELIVERY_FACTS_BYTES);
    }
}

/* ---- invariants --------------------------------------------------------------------------- */

static void check_line(const struct event_table *t, uint16_t slot) {
    const struct event *e = &t->slots[slot];
    const struct slice labels = event_table_labels(t, slot);
    const struct slice line = event_table_line(t, slot);
    char bytes[EVENT_TABLE_LINE_BYTES];
    char number[NUMBER_TEXT_BYTES];
    struct text expected = text_over(bytes, sizeof bytes);
    if (labels.len > 0) {
        text_put_char(&expected, '{');
        text_put_slice(&expected, labels);
        text_put_char(&expected, '}');
    }
    text_put_char(&expected, ' ');
    const uint32_t number_bytes = number_format(number, e->value);
    text_put(&expected, number, number_bytes);
    assert_true(slice_equals(line, text_slice(&expected)));
}

/* Its neighbours of the same labels: the next older and the next newer such event there is. */
static void check_same(const struct event_table *t, uint16_t slot) {
    const struct event *e = &t->slots[slot];
    const struct slice labels = event_table_labels(t, slot);
    uint16_t older = e->older;
    uint16_t newer = e->newer;
    while (older != NONE && !slice_equals(event_table_labels(t, older), labels)) {
        older = t->slots[older].older;
    }
    while (newer != NONE && !slice_equals(event_table_labels(t, newer), labels)) {
        newer = t->slots[newer].newer;
    }
    assert_int_equal(e->same_older, older);
    assert_int_equal(e->same_newer, newer);
    assert_int_equal(e->hash, event_table_hash(t, labels));
    if (newer == NONE) {
        assert_int_equal(event_table_find(t, labels, e->hash), slot);
    }
}

static void check_table(const struct delivery *d) {
    static bool used[CFG_EVENTS_MAX];
    const struct event_table *t = &d->events;
    uint32_t count = 0;
    uint16_t older = NONE;
    memset(used, 0, sizeof used);
    for (uint16_t slot = t->oldest; slot != NONE; slot = t->slots[slot].newer) {
        const struct event *e = &t->slots[slot];
        assert_true(slot < CFG_EVENTS_MAX && !used[slot]);
        used[slot] = true;
        assert_int_equal(e->older, older);
        assert_true(older == NONE || t->slots[older].number < e->number);
        assert_int_not_equal(e->seal, 0);
        assert_true(e->number <= d->counts.posted);
        assert_true(e->posted_s <= d->uptime_s);
        check_same(t, slot);
        check_line(t, slot);
        older = slot;
        count++;
    }
    assert_int_equal(t->newest, older);
    assert_int_equal(t->stats.used, count);
    for (uint16_t slot = t->free; slot != NONE; slot = t->slots[slot].newer) {
        assert_true(slot < CFG_EVENTS_MAX && !used[slot]);
        used[slot] = true;
        assert_int_equal(t->slots[slot].seal, 0);
        count++;
    }
    assert_int_equal(count, CFG_EVENTS_MAX);
}

static void check_due(const struct delivery *d) {
    uint32_t due_count[CFG_SCRAPERS_MAX] = {0};
    for (uint16_t slot = d->events.oldest; slot != NONE; slot = d->events.slots[slot].newer) {
        const struct event *e = &d->events.slots[slot];
        assert_int_equal(e->due & ~d->scrapers.mask, 0);
        assert_int_equal(e->due == 0, d->scrapers.mask == 0);
        assert_int_equal(e->stamped_to & ~e->due, 0);
        assert_int_equal(e->in_flight, 0);
        for (uint8_t i = 0; i < CFG_SCRAPERS_MAX; i++) {
            due_count[i] += ((uint32_t)e->due >> i) & 1u;
        }
    }
    for (uint8_t i = 0; i < CFG_SCRAPERS_MAX; i++) {
        const struct scraper *s = delivery_scraper(d, i);
        assert_int_equal(s != NULL, (d->scrapers.mask >> i) & 1u);
        if (s != NULL) {
            assert_int_equal(delivery_pending_count(d, i), due_count[i]);
            assert_int_equal(s->in_flight_count, 0);
            assert_int_equal(scrapers_find(&d->scrapers, &s->identity), i);
        }
    }
    assert_int_equal(d->scrapers.stats.used, __builtin_popcount(d->scrapers.mask));
}

void delivery_facts_check(const struct delivery *d) {
    check_table(d);
    check_due(d);
    for (uint32_t i = 0; i < CFG_SCRAPES_IN_FLIGHT_MAX; i++) {
        assert_int_equal(d->scrapes[i].handle, 0);
        assert_int_equal(d->scrapes[i].seal, 0);
    }
    assert_int_equal(d->scrapes_stats.used, 0);
    assert_int_equal(d->redo.check, 0);
}

/* ---- operations --------------------------------------------------------------------------- */

bool delivery_facts_post(struct delivery *d, const char *labels, double value,
                         struct delivery_now now) {
    struct delivery_receipt receipt;
    struct problem p;
    const struct slice text = {labels, (uint32_t)strlen(labels)};
    return delivery_post(d, text, value, now, &receipt, &p);
}

uint32_t delivery_facts_begin(struct delivery *d, const char *name, uint32_t timeout_ms,
                              struct delivery_now now) {
    struct scraper_identity who;
    struct delivery_cursor cursor;
    struct problem p;
    const struct slice text = {name, (uint32_t)strlen(name)};
    assert_true(scrapers_identify(&who, text, SLICE(""), SLICE(""), true, &p));
    delivery_begin(d, &who, timeout_ms, now.monotonic_ms, now, &cursor, &p);
    return cursor.handle;
}

/* ---- going on ----------------------------------------------------------------------------- */

/* The values in the lines of a scrape. */
static double sum_of_lines(struct slice page) {
    double sum = 0;
    while (page.len > 0) {
        struct slice line = slice_cut(&page, '\n');
        if (slice_starts_with(line, SLICE("events_to_metrics"))) {
            double value;
            (void)slice_cut(&line, ' ');
            assert_true(number_parse(slice_cut(&line, ' '), &value));
            sum += value;
        }
    }
    return sum;
}

/* Takes all that is due to a scraper; returns the sum of the values that it saw. */
static double take_all(struct delivery *d, uint8_t index, struct delivery_now now) {
    static char page[32768];
    const struct scraper_identity who = delivery_scraper(d, index)->identity;
    double sum = 0;
    while (delivery_pending_count(d, index) > 0) {
        struct delivery_cursor cursor;
        struct problem p;
        struct text out = text_over(page, sizeof page);
        assert_true(delivery_begin(d, &who, 10000, now.monotonic_ms, now, &cursor, &p));
        assert_int_not_equal(cursor.handle, 0);
        assert_true(delivery_pull(d, &cursor, false, &out));
        delivery_sent(d, cursor.handle);
        assert_true(delivery_commit(d, cursor.handle, now.monotonic_ms));
        sum += sum_of_lines(text_slice(&out));
    }
    return sum;
}

void delivery_facts_drain(struct delivery *d, struct delivery_now now) {
    struct delivery_receipt receipt;
    struct problem p;
    const uint64_t posted = d->counts.posted;
    const bool room = !event_table_full(&d->events);
    assert_int_equal(delivery_post(d, SLICE("drained=\"1\""), 0.5, now, &receipt, &p), room);
    assert_true(!room || receipt.event_number == posted + 1);
    double due[CFG_SCRAPERS_MAX] = {0};
    uint64_t due_count = 0;
    for (uint16_t slot = d->events.oldest; slot != NONE; slot = d->events.slots[slot].newer) {
        const struct event *e = &d->events.slots[slot];
        for (uint8_t i = 0; i < CFG_SCRAPERS_MAX; i++) {
            if (((uint32_t)e->due >> i & 1u) != 0) {
                due[i] += e->value;
                due_count++;
            }
        }
    }
    const uint64_t delivered = d->counts.delivered;
    for (uint8_t i = 0; i < CFG_SCRAPERS_MAX; i++) {
        if (delivery_scraper(d, i) != NULL) {
            const double sum = take_all(d, i, now);
            assert_true(d->options.duplicates == DELIVERY_LAST || sum == due[i]);
        }
    }
    assert_true(d->counts.delivered - delivered == due_count);
    assert_true(d->scrapers.mask == 0 || d->events.stats.used == 0);
    delivery_facts_check(d);
}
