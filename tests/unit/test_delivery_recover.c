/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_delivery_recover.c: each operation on events cut at every store. After a cut the facts are
 * those before the operation or those after it, and all goes on.
 */
#include "delivery_facts.h"
#include "every_store.h"
#include "random_numbers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TIMEOUT_MS 10000u

static struct delivery d;
static struct delivery_options options;
static struct delivery_now now;
static uint32_t handles[CFG_SCRAPES_IN_FLIGHT_MAX]; /* of the scrapes that were prepared */
static const uint8_t key[HASH_KEY_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};

static void start(enum delivery_duplicates duplicates, bool timestamps) {
    options = (struct delivery_options){CFG_SCRAPER_TIMEOUT_MS, duplicates, timestamps, NULL};
    now = (struct delivery_now){0xfffffff0u, INT64_C(1795000000000)};
    memset(&d, 0xa5, sizeof d);
    delivery_init(&d, &options, key, now.monotonic_ms);
}

/* ---- the world before an operation -------------------------------------------------------- */

static bool post_to(struct delivery *to, const char *labels, double value) {
    return delivery_facts_post(to, labels, value, now);
}

static uint32_t begin_on(struct delivery *on, const char *name, uint32_t timeout_ms) {
    return delivery_facts_begin(on, name, timeout_ms, now);
}

static void pass(uint32_t ms) {
    now.monotonic_ms += ms;
    now.unix_ms += ms;
}

static void nothing(void) {}

static void two_scrapers(void) {
    begin_on(&d, "a", TIMEOUT_MS);
    begin_on(&d, "b", TIMEOUT_MS);
}

static void some_events(void) {
    two_scrapers();
    post_to(&d, "n=\"1\"", 1);
    post_to(&d, "", 2);
    post_to(&d, "n=\"2\",m=\"x\"", 4);
    post_to(&d, "n=\"1\"", 8);
    post_to(&d, "", 16);
}

/* Due to one, to the other, to both. */
static void mixed_events(void) {
    some_events();
    assert_true(delivery_commit(&d, begin_on(&d, "a", TIMEOUT_MS), now.monotonic_ms));
    post_to(&d, "n=\"3\"", 32);
    post_to(&d, "n=\"4\"", 64);
}

static void held_events(void) {
    post_to(&d, "n=\"1\"", 1);
    post_to(&d, "n=\"2\"", 2);
    post_to(&d, "n=\"1\"", 4);
}

static void full_table(void) {
    char labels[32];
    two_scrapers();
    for (uint32_t i = 0; i < CFG_EVENTS_MAX; i++) {
        (void)snprintf(labels, sizeof labels, "n=\"%u\"", i % 7);
        assert_true(post_to(&d, labels, i));
    }
}

static void all_scrapers(void) {
    char name[] = "s0";
    for (uint32_t i = 0; i < CFG_SCRAPERS_MAX; i++) {
        name[1] = (char)('0' + i);
        begin_on(&d, name, i == 1 ? 0 : TIMEOUT_MS); /* s1 is dispensable */
    }
    held_events();
}

static void one_scraper(void) {
    begin_on(&d, "a", TIMEOUT_MS);
    held_events();
}

static void scrape_under_way(void) {
    mixed_events();
    handles[0] = begin_on(&d, "b", TIMEOUT_MS);
}

static void scrape_sent(void) {
    scrape_under_way();
    delivery_sent(&d, handles[0]);
}

static void two_scrapes_sent(void) {
    mixed_events();
    handles[0] = begin_on(&d, "a", TIMEOUT_MS);
    handles[1] = begin_on(&d, "b", TIMEOUT_MS);
    delivery_sent(&d, handles[1]);
    delivery_sent(&d, handles[0]);
}

/* What was exposed to b with its timestamp is too old for one now. */
static void stamps_grown_old(void) {
    scrape_sent();
    delivery_rollback(&d, handles[0]);
    pass(CFG_EVENT_TIMESTAMP_AGE_MS + 2);
}

static void numbers_gone_on(void) {
    two_scrapers();
    post_to(&d, "n=\"1\"", 1);
    assert_true(delivery_commit(&d, begin_on(&d, "a", TIMEOUT_MS), now.monotonic_ms));
    handles[0] = begin_on(&d, "b", TIMEOUT_MS);
}

/* ---- operations --------------------------------------------------------------------------- */

static void post_new(void *region, void *context) {
    (void)context;
    post_to(region, "new=\"1\"", 1000);
}

static void post_same(void *region, void *context) {
    (void)context;
    post_to(region, "n=\"1\"", 1000);
}

static void post_in_the_past(void *region, void *context) {
    (void)context;
    now.unix_ms -= 2 * EVENT_TIMES_AHEAD_MS;
    post_to(region, "n=\"1\"", 1000);
    now.unix_ms += 2 * EVENT_TIMES_AHEAD_MS;
}

static void begin_known(void *region, void *context) {
    (void)context;
    begin_on(region, "b", TIMEOUT_MS);
}

static void begin_new(void *region, void *context) {
    (void)context;
    begin_on(region, "newcomer", TIMEOUT_MS);
}

static void sent(void *region, void *context) {
    (void)context;
    delivery_sent(region, handles[0]);
}

static void commit(void *region, void *context) {
    (void)context;
    assert_true(delivery_commit(region, handles[0], now.monotonic_ms + 1));
}

static void commit_late(void *region, void *context) {
    (void)context;
    assert_false(delivery_commit(region, handles[0], now.monotonic_ms + TIMEOUT_MS + 1));
}

static void rollback(void *region, void *context) {
    (void)context;
    delivery_rollback(region, handles[0]);
}

static void rollback_both(void *region, void *context) {
    (void)context;
    delivery_rollback(region, handles[1]);
    delivery_rollback(region, handles[0]);
}

static void run_out_of_time(void *region, void *context) {
    (void)context;
    delivery_poll(region, now.monotonic_ms + TIMEOUT_MS + 1);
}

static void forget_all(void *region, void *context) {
    (void)context;
    delivery_poll(region, now.monotonic_ms + CFG_SCRAPER_TIMEOUT_MS);
}

/* ---- cuts --------------------------------------------------------------------------------- */

/* The facts as they were at the cuts so far, each once. */
#define STEPS_MAX 12u
static char steps[STEPS_MAX][DELIVERY_FACTS_BYTES];
static uint32_t steps_count;
static uint32_t uptime_s;
static struct delivery *kept; /* copies of the region at cuts, for the cuts of recovery */
static uint32_t kept_count;
static uint32_t kept_max; /* 0: recovery is not cut */
#define KEPT_EVERY 10u
#define KEPT_MAX 40u

static void recover(struct delivery *copy) {
    struct delivery_recovery found;
    delivery_recover(copy, &options, key, now.monotonic_ms, &found);
    assert_int_equal(found.damaged_events_count, 0);
    assert_int_equal(found.damaged_scrapers_count, 0);
    assert_int_equal(found.damaged_times_count, 0);
    assert_int_equal(found.events_count, copy->events.stats.used);
    assert_int_equal(found.scrapers_count, copy->scrapers.stats.used);
    delivery_facts_check(copy);
}

/* Facts never come back: once an operation has taken effect no later cut undoes it. */
static void note_step(const struct delivery *copy) {
    static char facts[DELIVERY_FACTS_BYTES];
    delivery_facts_print(copy, facts);
    if (steps_count > 0 && strcmp(steps[steps_count - 1], facts) == 0) {
        return;
    }
    for (uint32_t i = 0; i < steps_count; i++) {
        assert_string_not_equal(steps[i], facts);
    }
    assert_true(steps_count < STEPS_MAX);
    strcpy(steps[steps_count++], facts);
}

static void look(void *region, uint32_t number, void *context) {
    struct delivery *copy = region;
    (void)context;
    if (number % KEPT_EVERY == 0 && kept_count < kept_max) {
        kept[kept_count++] = *copy;
    }
    recover(copy);
    assert_true(copy->uptime_s >= uptime_s);
    uptime_s = copy->uptime_s;
    note_step(copy);
    delivery_facts_drain(copy, now);
}

/* What a recovery that was cut off leaves is recovered again. */
static char expected_facts[DELIVERY_FACTS_BYTES];

static void recover_operation(void *region, void *context) {
    (void)context;
    recover(region);
}

static void look_again(void *region, uint32_t number, void *context) {
    char facts[DELIVERY_FACTS_BYTES];
    (void)context;
    (void)number;
    recover(region);
    delivery_facts_print(region, facts);
    assert_string_equal(facts, expected_facts);
}

static void cut_recoveries(void) {
    const struct every_store run = {recover_operation, look_again, NULL};
    for (uint32_t i = 0; i < kept_count; i++) {
        struct delivery first = kept[i];
        recover(&first);
        delivery_facts_print(&first, expected_facts);
        first = kept[i];
        every_store_run(&run, &first, sizeof first);
    }
}

/* Runs it cut at every store. Facts may pass through `steps_max` states, the first and the last
 * included; more than one means that something happened. */
static void cut(void (*prepare)(void), void (*operation)(void *, void *), uint32_t steps_max) {
    const struct every_store run = {operation, look, NULL};
    prepare();
    struct delivery after = d;
    steps_count = 0;
    kept_count = 0;
    uptime_s = d.uptime_s;
    every_store_run(&run, &after, sizeof after);
    assert_int_equal(steps_count, steps_max);
    assert_true(after.uptime_s >= uptime_s);
    recover(&after);
    note_step(&after);
    assert_int_equal(steps_count, steps_max);
    cut_recoveries();
}

static int set_up(void **state) {
    (void)state;
    kept = calloc(KEPT_MAX, sizeof *kept);
    return kept == NULL;
}

static int tear_down(void **state) {
    (void)state;
    free(kept);
    return 0;
}

/* In each mode, without and with timestamps. */
static void in_every_mode(void (*prepare)(void), void (*operation)(void *, void *),
                          uint32_t steps_max) {
    for (enum delivery_duplicates duplicates = DELIVERY_QUEUE; duplicates <= DELIVERY_SUM;
         duplicates++) {
        for (uint32_t timestamps = 0; timestamps < 2; timestamps++) {
            start(duplicates, timestamps);
            cut(prepare, operation, steps_max);
        }
    }
}

static void a_post_is_there_or_not(void **state) {
    (void)state;
    in_every_mode(nothing, post_new, 2);
    in_every_mode(some_events, post_new, 2);
    in_every_mode(held_events, post_new, 2);
    in_every_mode(scrape_sent, post_new, 2);
}

static void a_post_of_known_labels_queues_or_merges_as_one(void **state) {
    (void)state;
    in_every_mode(some_events, post_same, 2);
    in_every_mode(held_events, post_same, 2);
    in_every_mode(scrape_under_way, post_same, 2);
    in_every_mode(some_events, post_in_the_past, 2);
}

static void a_full_table_refuses_and_stays(void **state) {
    (void)state;
    start(DELIVERY_QUEUE, false);
    cut(full_table, post_new, 1);
    start(DELIVERY_QUEUE, true);
    cut(full_table, post_new, 1);
}

static void beginning_and_ending_without_delivery_changes_nothing(void **state) {
    (void)state;
    in_every_mode(mixed_events, begin_known, 1);
    in_every_mode(scrape_under_way, rollback, 1);
    in_every_mode(scrape_under_way, run_out_of_time, 1);
    in_every_mode(scrape_under_way, commit_late, 1);
}

static void a_scraper_is_known_or_not(void **state) {
    (void)state;
    in_every_mode(nothing, begin_new, 2);
    in_every_mode(held_events, begin_new, 2);
    in_every_mode(some_events, begin_new, 2);
    in_every_mode(all_scrapers, begin_new, 3); /* first another one is forgotten */
}

static void a_scraper_is_forgotten_or_not(void **state) {
    (void)state;
    in_every_mode(one_scraper, forget_all, 2);
    in_every_mode(mixed_events, forget_all, 3); /* one after the other */
}

static void a_commit_delivers_all_or_nothing(void **state) {
    (void)state;
    in_every_mode(scrape_under_way, commit, 2);
    in_every_mode(scrape_sent, commit, 2);
    in_every_mode(two_scrapes_sent, commit, 2);
    in_every_mode(numbers_gone_on, commit, 2);
}

/* What is sent is ambiguous from then on: its end in any way but a commit changes no fact. */
static void ambiguous_events_are_counted_once(void **state) {
    (void)state;
    in_every_mode(scrape_sent, rollback, 1);
    in_every_mode(scrape_sent, run_out_of_time, 1);
    in_every_mode(scrape_sent, commit_late, 1);
    in_every_mode(two_scrapes_sent, rollback_both, 1);
    start(DELIVERY_QUEUE, false);
    cut(scrape_under_way, sent, 2);
    start(DELIVERY_QUEUE, true);
    cut(scrape_under_way, sent, 2); /* the timestamps are remembered */
}

/* Each of five events is counted, and then known to have been. */
static void a_lost_timestamp_is_counted(void **state) {
    (void)state;
    start(DELIVERY_LAST, true);
    cut(stamps_grown_old, begin_known, 1 + 2 * 5);
}

static void a_recovery_may_be_cut_as_well(void **state) {
    (void)state;
    kept_max = KEPT_MAX;
    start(DELIVERY_QUEUE, false);
    cut(scrape_sent, commit, 2);
    start(DELIVERY_SUM, true);
    cut(two_scrapes_sent, rollback_both, 1);
    start(DELIVERY_LAST, true);
    cut(some_events, post_same, 2);
    start(DELIVERY_QUEUE, false);
    cut(held_events, begin_new, 2);
    cut(mixed_events, forget_all, 3);
    kept_max = 0;
}

/* ---- any sequence of operations ----------------------------------------------------------- */

static void random_operation(void *region, void *context) {
    static const char *const sets[] = {"", "n=\"1\"", "n=\"2\"", "n=\"3\""};
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    const uint32_t which = *(const uint32_t *)context;
    uint32_t *handle = &handles[which / 7 % CFG_SCRAPES_IN_FLIGHT_MAX];
    switch (which % 7) {
    case 0:
        *handle = begin_on(region, names[which / 49 % 6], which % 3 == 0 ? 0 : TIMEOUT_MS);
        break;
    case 1:
        delivery_sent(region, *handle);
        break;
    case 2:
        delivery_commit(region, *handle, now.monotonic_ms);
        break;
    case 3:
        delivery_rollback(region, *handle);
        break;
    case 4:
        delivery_poll(region, now.monotonic_ms);
        break;
    default:
        post_to(region, sets[which / 49 % 4], which % 1000);
    }
}

/* Now and then the run is cut off for good, at one of the cuts. */
static struct delivery survivor;
static uint32_t survivor_at;

static void look_at_random(void *region, uint32_t number, void *context) {
    if (number <= survivor_at) {
        survivor = *(struct delivery *)region;
    }
    look(region, number, context);
}

static void run_random(uint64_t seed, enum delivery_duplicates duplicates, bool timestamps) {
    uint32_t which;
    const struct every_store run = {random_operation, look_at_random, &which};
    random_state = seed;
    start(duplicates, timestamps);
    for (uint32_t step = 0; step < 120; step++) {
        const bool dies = random_below(10) == 0;
        pass(random_below(20) == 0 ? 4 * TIMEOUT_MS : random_below(500));
        now.monotonic_ms += random_below(60) == 0 ? CFG_SCRAPER_TIMEOUT_MS / 2 : 0;
        which = random_below(49 * 12);
        steps_count = 0;
        uptime_s = d.uptime_s;
        survivor_at = dies ? random_below(200) : 0;
        every_store_run(&run, &d, sizeof d);
        if (dies) {
            d = survivor;
            recover(&d);
        }
    }
}

static void any_sequence_cut_anywhere(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        for (uint32_t timestamps = 0; timestamps < 2; timestamps++) {
            run_random(seed, DELIVERY_QUEUE, timestamps);
            run_random(seed, DELIVERY_LAST, timestamps);
            run_random(seed, DELIVERY_SUM, timestamps);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_post_is_there_or_not),
        cmocka_unit_test(a_post_of_known_labels_queues_or_merges_as_one),
        cmocka_unit_test(a_full_table_refuses_and_stays),
        cmocka_unit_test(beginning_and_ending_without_delivery_changes_nothing),
        cmocka_unit_test(a_scraper_is_known_or_not),
        cmocka_unit_test(a_scraper_is_forgotten_or_not),
        cmocka_unit_test(a_commit_delivers_all_or_nothing),
        cmocka_unit_test(ambiguous_events_are_counted_once),
        cmocka_unit_test(a_lost_timestamp_is_counted),
        cmocka_unit_test(a_recovery_may_be_cut_as_well),
        cmocka_unit_test(any_sequence_cut_anywhere),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
