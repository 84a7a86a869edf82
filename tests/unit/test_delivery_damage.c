/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_delivery_damage.c: retained events and scrapers that were damaged while nobody looked.
 */
#include "delivery_facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define TIMEOUT_MS 10000u

static struct delivery d;
static struct delivery_options options;
static struct delivery_now now;
static const uint8_t key[HASH_KEY_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};

/* Events of one and of both of two scrapers, which have a scrape each that was sent. */
static void start(enum delivery_duplicates duplicates) {
    options = (struct delivery_options){CFG_SCRAPER_TIMEOUT_MS, duplicates, true, NULL};
    now = (struct delivery_now){0xfffffff0u, INT64_C(1795000000000)};
    memset(&d, 0xa5, sizeof d);
    delivery_init(&d, &options, key, now.monotonic_ms);
    delivery_facts_begin(&d, "a", TIMEOUT_MS, now);
    delivery_facts_begin(&d, "b", TIMEOUT_MS, now);
    delivery_facts_post(&d, "n=\"1\"", 1, now);
    delivery_facts_post(&d, "", 2, now);
    delivery_facts_post(&d, "n=\"1\"", 4, now);
    delivery_commit(&d, delivery_facts_begin(&d, "a", TIMEOUT_MS, now), now.monotonic_ms);
    delivery_facts_post(&d, "n=\"2\",m=\"x\"", 8, now);
    delivery_sent(&d, delivery_facts_begin(&d, "a", TIMEOUT_MS, now));
    delivery_sent(&d, delivery_facts_begin(&d, "b", TIMEOUT_MS, now));
}

static const struct event *event_of(const struct delivery *in, uint64_t number) {
    for (uint16_t slot = in->events.oldest; slot != EVENT_TABLE_NONE;
         slot = in->events.slots[slot].newer) {
        if (in->events.slots[slot].number == number) {
            return &in->events.slots[slot];
        }
    }
    return NULL;
}

static struct slice labels_in(const struct delivery *in, const struct event *e) {
    return event_table_labels(&in->events, (uint16_t)(e - in->events.slots));
}

/* All that there is has been there before, due to those it was due to. */
static void expect_nothing_invented(const struct delivery *copy) {
    for (uint16_t slot = copy->events.oldest; slot != EVENT_TABLE_NONE;
         slot = copy->events.slots[slot].newer) {
        const struct event *e = &copy->events.slots[slot];
        const struct event *original = event_of(&d, e->number);
        assert_non_null(original);
        assert_true(slice_equals(labels_in(copy, e), labels_in(&d, original)));
        assert_true(e->value == original->value && e->unix_ms == original->unix_ms);
        assert_int_equal(e->due & ~original->due, 0);
    }
    for (uint8_t i = 0; i < CFG_SCRAPERS_MAX; i++) {
        const struct scraper *s = delivery_scraper(copy, i);
        assert_true(s == NULL || (delivery_scraper(&d, i) != NULL &&
                                  slice_equals(scrapers_name(&s->identity),
                                               scrapers_name(&d.scrapers.entries[i].identity))));
    }
}

static struct delivery_recovery recover_damaged(struct delivery *copy) {
    struct delivery_recovery found;
    delivery_recover(copy, &options, key, now.monotonic_ms, &found);
    delivery_facts_check(copy);
    expect_nothing_invented(copy);
    return found;
}

static void damage_is_left_out_wherever_it_is(void **state) {
    (void)state;
    struct delivery *copy = malloc(sizeof *copy);
    uint32_t left_out_count = 0;
    start(DELIVERY_QUEUE);
    for (uint32_t i = 0; i < sizeof *copy; i++) {
        *copy = d;
        ((unsigned char *)copy)[i] ^= (unsigned char)(1u + i % 255);
        const struct delivery_recovery found = recover_damaged(copy);
        left_out_count += found.damaged_events_count;
        assert_true(found.damaged_events_count <= 1 && found.damaged_scrapers_count <= 1);
        assert_int_equal(found.events_count + found.damaged_events_count +
                                 (found.damaged_scrapers_count > 0 ? d.events.stats.used : 0) >=
                             d.events.stats.used,
                         true);
        delivery_facts_drain(copy, now);
    }
    /* Each byte under the seal of an event: its post, the seal, two masks, length and labels. */
    assert_true(left_out_count >=
                d.events.stats.used * (28 + 4 + 2 * sizeof(event_table_mask) + 2));
    free(copy);
}

/* A good part of it is noise, or all. */
static void noise_is_not_believed(void **state) {
    (void)state;
    struct delivery *copy = malloc(sizeof *copy);
    srand(1);
    start(DELIVERY_LAST);
    for (uint32_t round = 0; round < 400; round++) {
        const uint32_t stride = 1 + (round < 20 ? 0 : (uint32_t)rand() % 300);
        *copy = d;
        for (uint32_t i = (uint32_t)rand() % stride; i < sizeof *copy; i += stride) {
            ((unsigned char *)copy)[i] = (unsigned char)rand();
        }
        const struct delivery_recovery found = recover_damaged(copy);
        assert_true(stride > 1 || (found.events_count == 0 && found.scrapers_count == 0));
        delivery_facts_drain(copy, now);
    }
    free(copy);
}

/* No timestamp is given that may be out of order while it is not known what was given before. */
static void damaged_times_bar_timestamps_for_a_while(void **state) {
    (void)state;
    struct delivery_recovery found;
    start(DELIVERY_QUEUE);
    for (uint32_t i = 0; i < EVENT_TIMES_BUCKETS; i++) {
        d.times.buckets[i].next_ms_low ^= 1u;
    }
    delivery_recover(&d, &options, key, now.monotonic_ms, &found);
    assert_int_equal(found.damaged_times_count, EVENT_TIMES_BUCKETS);
    delivery_facts_post(&d, "n=\"9\"", 1, now);
    const uint32_t handle = delivery_facts_begin(&d, "a", TIMEOUT_MS, now);
    const uint16_t newest = d.events.newest;
    assert_int_equal(d.scrapes[0].taken[newest / 32] >> newest % 32 & 1u, 1);
    assert_int_equal(d.scrapes[0].stamped[newest / 32] >> newest % 32 & 1u, 0);
    assert_true(delivery_commit(&d, handle, now.monotonic_ms));
    delivery_facts_drain(&d, now);
    now.monotonic_ms += CFG_EVENT_TIMESTAMP_AGE_MS + 3000;
    now.unix_ms += CFG_EVENT_TIMESTAMP_AGE_MS + 3000;
    delivery_facts_post(&d, "n=\"9\"", 1, now);
    delivery_facts_begin(&d, "a", TIMEOUT_MS, now);
    assert_int_equal(d.scrapes[0].stamped[d.events.newest / 32] >> d.events.newest % 32 & 1u, 1);
}

/* Numbers and the uptime go on from what events and times know. */
static void without_a_tally_the_events_tell(void **state) {
    (void)state;
    struct delivery_recovery found;
    start(DELIVERY_QUEUE);
    now.monotonic_ms += 100000;
    event_times_plain(&d.times, &d.redo, 7, 1, 99);
    now.unix_ms += 100000;
    delivery_facts_post(&d, "n=\"9\"", 1, now);
    d.tally.posted ^= 1u;
    delivery_recover(&d, &options, key, now.monotonic_ms, &found);
    assert_int_equal(found.damaged_times_count, 1);
    assert_true(d.counts.posted == 5 && d.uptime_s == 101);
    d.tally.posted ^= 1u;
    event_times_plain(&d.times, &d.redo, 7, 1, 5000);
    delivery_recover(&d, &options, key, now.monotonic_ms, &found);
    assert_true(d.counts.posted == 5 && d.uptime_s == 5000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_tally_the_events_tell),
        cmocka_unit_test(damage_is_left_out_wherever_it_is),
        cmocka_unit_test(noise_is_not_believed),
        cmocka_unit_test(damaged_times_bar_timestamps_for_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
