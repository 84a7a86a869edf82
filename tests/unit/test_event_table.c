/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_event_table.c: the slots of waiting events, their order, and their label sets.
 */
#include "events/event_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct event_table table;
static struct state_redo redo;
static uint64_t number;

static int fresh(void **state) {
    (void)state;
    memset(&table, 0xa5, sizeof table);
    redo.check = 0;
    number = 0;
    event_table_init(&table, (struct hash_key){0x01234567, 0x89abcdef});
    return 0;
}

static struct slice of(const char *string) {
    return (struct slice){string, (uint32_t)strlen(string)};
}

static uint16_t find(const char *labels) {
    return event_table_find(&table, of(labels), event_table_hash(&table, of(labels)));
}

static uint16_t add(const char *labels, double value) {
    number++;
    const struct event_post post = {.number = number, .value = value};
    return event_table_add(&table, of(labels), event_table_hash(&table, of(labels)), find(labels),
                           &post);
}

static void renew(uint16_t slot, double value) {
    number++;
    const struct event_post post = {.number = number, .value = value};
    event_table_renew(&table, &redo, slot, &post);
}

static void expect_line(uint16_t slot, const char *expected) {
    struct slice line = event_table_line(&table, slot);
    assert_int_equal(line.len, strlen(expected));
    assert_memory_equal(line.bytes, expected, line.len);
}

/* The waiting events, oldest first and both ways, are these slots. */
static void expect_order(const uint16_t *slots, unsigned count) {
    uint16_t older = EVENT_TABLE_NONE;
    uint16_t slot = table.oldest;
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(slot, slots[i]);
        assert_int_equal(table.slots[slot].older, older);
        older = slot;
        slot = table.slots[slot].newer;
    }
    assert_int_equal(slot, EVENT_TABLE_NONE);
    assert_int_equal(table.newest, older);
    assert_int_equal(table.stats.used, count);
}

static void lines_are_ready(void **state) {
    (void)state;
    expect_line(add("a=\"1\",b=\"x\"", 42.5), "{a=\"1\",b=\"x\"} 42.5");
    uint16_t bare = add("", -1e300);
    expect_line(bare, " -1e+300");
    assert_int_equal(event_table_labels(&table, bare).len, 0);
    assert_int_equal(find(""), bare);
}

static void the_longest_line_fits(void **state) {
    char labels[CFG_EVENT_TEXT_BYTES + 1];
    (void)state;
    memset(labels, 'x', CFG_EVENT_TEXT_BYTES);
    labels[CFG_EVENT_TEXT_BYTES] = '\0';
    uint16_t slot = add(labels, -0.0000012345678901234567);
    assert_int_equal(table.slots[slot].line_bytes, EVENT_TABLE_LINE_BYTES);
    assert_true(slice_equals(event_table_labels(&table, slot), of(labels)));
}

static void order_survives_removal_anywhere(void **state) {
    (void)state;
    for (unsigned removed = 0; removed < 3; removed++) {
        uint16_t slots[3];
        uint16_t left[2];
        unsigned n = 0;
        slots[0] = add("a=\"1\"", 1);
        slots[1] = add("a=\"2\"", 2);
        slots[2] = add("a=\"3\"", 3);
        expect_order(slots, 3);
        event_table_remove(&table, slots[removed]);
        for (unsigned i = 0; i < 3; i++) {
            if (i != removed) {
                left[n++] = slots[i];
            }
        }
        expect_order(left, 2);
        event_table_remove(&table, left[1]);
        event_table_remove(&table, left[0]);
        expect_order(NULL, 0);
    }
}

static void renewing_changes_the_value_and_the_order(void **state) {
    (void)state;
    uint16_t first = add("a=\"1\"", 1);
    uint16_t second = add("a=\"2\"", 2);
    renew(first, 100000);
    expect_line(first, "{a=\"1\"} 100000");
    expect_order((const uint16_t[]){second, first}, 2);
    renew(first, 3);
    expect_line(first, "{a=\"1\"} 3");
    expect_order((const uint16_t[]){second, first}, 2);
    assert_int_equal(find("a=\"1\""), first);
}

static void label_sets_are_chains(void **state) {
    (void)state;
    for (unsigned removed = 0; removed < 3; removed++) {
        uint16_t s[3];
        uint16_t other = add("b=\"1\"", 0);
        s[0] = add("a=\"1\"", 1);
        s[1] = add("a=\"1\"", 2);
        s[2] = add("a=\"1\"", 3);
        assert_int_equal(find("a=\"1\""), s[2]);
        assert_int_equal(table.slots[s[2]].same_older, s[1]);
        assert_int_equal(table.slots[s[1]].same_older, s[0]);
        assert_int_equal(table.slots[s[0]].same_older, EVENT_TABLE_NONE);
        event_table_remove(&table, s[removed]);
        uint16_t newer = removed == 2 ? s[1] : s[2];
        uint16_t older = removed == 0 ? s[1] : s[0];
        assert_int_equal(find("a=\"1\""), newer);
        assert_int_equal(table.slots[newer].same_older, older);
        assert_int_equal(table.slots[newer].same_newer, EVENT_TABLE_NONE);
        assert_int_equal(table.slots[older].same_newer, newer);
        assert_int_equal(table.slots[older].same_older, EVENT_TABLE_NONE);
        event_table_remove(&table, newer);
        event_table_remove(&table, older);
        assert_int_equal(find("a=\"1\""), EVENT_TABLE_NONE);
        assert_int_equal(find("b=\"1\""), other);
        event_table_remove(&table, other);
    }
}

static void all_slots_can_be_taken_again_and_again(void **state) {
    char labels[32];
    (void)state;
    for (unsigned i = 0; i < CFG_EVENTS_MAX; i++) {
        (void)snprintf(labels, sizeof labels, "n=\"%u\"", i % 7);
        assert_false(event_table_full(&table));
        assert_int_not_equal(add(labels, i), EVENT_TABLE_NONE);
    }
    assert_true(event_table_full(&table));
    assert_int_equal(table.stats.used, CFG_EVENTS_MAX);
    assert_int_equal(table.stats.high_water, CFG_EVENTS_MAX);
    assert_int_equal(find("m=\"0\""), EVENT_TABLE_NONE);
    event_table_remove(&table, table.oldest);
    assert_false(event_table_full(&table));
    assert_int_not_equal(add("m=\"0\"", 1), EVENT_TABLE_NONE);
    while (table.oldest != EVENT_TABLE_NONE) {
        event_table_remove(&table, table.newest);
    }
    expect_order(NULL, 0);
    for (unsigned i = 0; i < CFG_EVENTS_MAX; i++) {
        assert_int_equal(table.buckets[i], EVENT_TABLE_NONE);
    }
}

/* Whatever is added and removed, each label set is found exactly while an event of it waits. */
static void finds_what_is_there_whatever_the_collisions(void **state) {
    unsigned alive[24] = {0};
    unsigned live = 0;
    char labels[32];
    (void)state;
    srand(1);
    for (unsigned step = 0; step < 20000; step++) {
        if (live == CFG_EVENTS_MAX || (live > 0 && rand() % 2 == 0)) {
            uint16_t slot = table.oldest;
            for (int skip = rand() % (int)live; skip > 0; skip--) {
                slot = table.slots[slot].newer;
            }
            alive[(unsigned)table.slots[slot].value]--;
            event_table_remove(&table, slot);
            live--;
        } else {
            unsigned set = (unsigned)rand() % 24;
            (void)snprintf(labels, sizeof labels, "n=\"%u\"", set);
            assert_int_not_equal(add(labels, set), EVENT_TABLE_NONE);
            alive[set]++;
            live++;
        }
        unsigned probe = step % 24;
        unsigned chain = 0;
        (void)snprintf(labels, sizeof labels, "n=\"%u\"", probe);
        for (uint16_t slot = find(labels); slot != EVENT_TABLE_NONE;
             slot = table.slots[slot].same_older) {
            assert_true(slice_equals(event_table_labels(&table, slot), of(labels)));
            chain++;
        }
        assert_int_equal(chain, alive[probe]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lines_are_ready, fresh),
        cmocka_unit_test_setup(the_longest_line_fits, fresh),
        cmocka_unit_test_setup(order_survives_removal_anywhere, fresh),
        cmocka_unit_test_setup(renewing_changes_the_value_and_the_order, fresh),
        cmocka_unit_test_setup(label_sets_are_chains, fresh),
        cmocka_unit_test_setup(all_slots_can_be_taken_again_and_again, fresh),
        cmocka_unit_test_setup(finds_what_is_there_whatever_the_collisions, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
