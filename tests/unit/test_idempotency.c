/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_idempotency.c: the ring of keys by itself: which keys are taken, what is remembered for how
 * long, and what a reset leaves of it. Whole requests are test_app_idempotency.c's job, resets in
 * the middle of one test_idempotency_cuts.c's.
 */
#include "http/idempotency.h"
#include "metrics/registry_txn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define KEYS CFG_IDEMPOTENCY_KEYS

static const uint8_t hash_key[HASH_KEY_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};

static struct idempotency ring;
static struct registry registry;

static int setup(void **state) {
    (void)state;
    memset(&ring, 0xa5, sizeof ring);
    idempotency_init(&ring, hash_key);
    registry_init(&registry, hash_key);
    return 0;
}

/* ---- keys ------------------------------------------------------------------------------- */

static bool read_key(const char *bytes, size_t n, struct hash_digest *key, struct problem *p) {
    char *copy = test_malloc(n + 1); /* so that a byte beyond it is found out */
    memcpy(copy, bytes, n);
    const bool ok = idempotency_read_key(&ring, (struct slice){copy, (uint32_t)n}, key, p);
    test_free(copy);
    return ok;
}

/* The key as a token or a string: `as` says what it is. */
static const struct {
    const char *value;
    const char *as;
} taken[] = {
    {"a", "a"},
    {"\"a\"", "a"},
    {"8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"},
    {"\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", "8e03978e-40d5-43dd-bc93-6894a57f9324"},
    {"!#$%&'()*+-./:<=>?@[]^_`{|}~", "!#$%&'()*+-./:<=>?@[]^_`{|}~"},
    {"\"a,b;c d\"", "\"a,b;c d\""},
    {"\"\\\\\\\"\"", "\"\\\\\\\"\""},
};

static void keys_that_are_taken(void **state) {
    struct hash_digest seen[sizeof taken / sizeof taken[0]];
    struct problem p;
    (void)state;
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        struct hash_digest same;
        assert_true(read_key(taken[i].value, strlen(taken[i].value), &seen[i], &p));
        assert_true(read_key(taken[i].as, strlen(taken[i].as), &same, &p));
        assert_true(hash_digest_equals(seen[i], same));
        for (size_t j = 0; j < i; j++) {
            assert_int_equal(hash_digest_equals(seen[i], seen[j]),
                             strcmp(taken[i].as, taken[j].as) == 0);
        }
    }
}

/* What backslashes stand for is the key, not how it was written. */
static void escapes(void **state) {
    struct hash_digest a;
    struct hash_digest b;
    struct problem p;
    (void)state;
    assert_true(read_key("\"x\\\\y\"", 6, &a, &p)); /* x\y */
    assert_true(read_key("\"x\\\"y\"", 6, &b, &p)); /* x"y */
    assert_false(hash_digest_equals(a, b));
    assert_true(read_key("\"xy\"", 4, &b, &p));
    assert_false(hash_digest_equals(a, b));
}

static const struct {
    const char *value;
    size_t n;
} refused[] = {
#define VALUE(s) \
    { (s), sizeof(s) - 1 }
    VALUE(""),
    VALUE("\""),
    VALUE("\"\""),
    VALUE("\"a"),
    VALUE("a\""),
    VALUE("a\"b"),
    VALUE("\"a\"b\""),
    VALUE("\"a\" \"b\""),
    VALUE("\"a\", \"b\""),
    VALUE("a,b"),
    VALUE("a, b"),
    VALUE("a b"),
    VALUE("a;b"),
    VALUE("\"a\";b=1"),
    VALUE("\"a\\\""),
    VALUE("\"a\\b\""),
    VALUE("\"\\\""),
    VALUE("a\\b"),
    VALUE("a\tb"),
    VALUE("\"a\tb\""),
    VALUE("\xc3\xa9"),
    VALUE("\"\xc3\xa9\""),
    VALUE("\x7f"),
    VALUE("\"\x7f\""),
    VALUE("\0"),
    VALUE("a\0b"),
    VALUE("\"a\0b\""),
    VALUE("\xff"),
};

static void keys_that_are_refused(void **state) {
    struct hash_digest key;
    struct problem p;
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (read_key(refused[i].value, refused[i].n, &key, &p)) {
            fail_msg("taken: %s", refused[i].value);
        }
        assert_int_equal(p.kind, PROBLEM_MALFORMED);
        assert_memory_equal(p.line, "Idempotency-Key: must be given once, as 1 to 255 ", 49);
        assert_null(memchr(p.line, '\n', p.line_len));
    }
}

/* 255 bytes are taken, between quotes as well, and one more is not. */
static void long_keys(void **state) {
    char value[2 * IDEMPOTENCY_KEY_BYTES + 4];
    struct hash_digest key;
    struct problem p;
    (void)state;
    memset(value, 'k', sizeof value);
    assert_true(read_key(value, IDEMPOTENCY_KEY_BYTES, &key, &p));
    assert_false(read_key(value, IDEMPOTENCY_KEY_BYTES + 1, &key, &p));
    value[0] = '"';
    value[IDEMPOTENCY_KEY_BYTES + 1] = '"';
    assert_true(read_key(value, IDEMPOTENCY_KEY_BYTES + 2, &key, &p));
    value[IDEMPOTENCY_KEY_BYTES + 1] = 'k';
    value[IDEMPOTENCY_KEY_BYTES + 2] = '"';
    assert_false(read_key(value, IDEMPOTENCY_KEY_BYTES + 3, &key, &p));
    memset(value, '\\', sizeof value);
    value[0] = '"';
    value[2 * IDEMPOTENCY_KEY_BYTES + 1] = '"';
    assert_true(read_key(value, 2 * IDEMPOTENCY_KEY_BYTES + 2, &key, &p));
}

/* ---- what is remembered ----------------------------------------------------------------- */

static struct hash_digest key_of(uint32_t n) {
    char text[16];
    struct hash_digest key;
    struct problem p;
    const int len = snprintf(text, sizeof text, "key-%u", (unsigned)n);
    assert_true(idempotency_read_key(&ring, (struct slice){text, (uint32_t)len}, &key, &p));
    return key;
}

static struct idempotency_record record_of(uint32_t n) {
    return (struct idempotency_record){.key = key_of(n),
                                       .request = {n, ~n},
                                       .event_number = n,
                                       .scrapers_count = (uint8_t)n,
                                       .txn = IDEMPOTENCY_NO_TXN,
                                       .head = (uint16_t)n};
}

static void enter(uint32_t n, bool done) {
    const struct idempotency_record record = record_of(n);
    idempotency_prepare(&ring, &record);
    idempotency_settle(&ring, done);
}

static bool has(uint32_t n) {
    const struct idempotency_record expected = record_of(n);
    const struct idempotency_record *found = idempotency_find(&ring, expected.key);
    if (found != NULL) {
        assert_memory_equal(found, &expected, sizeof expected);
    }
    return found != NULL;
}

static void check_stats(uint32_t used, uint32_t high_water) {
    const struct table_stats stats = idempotency_stats(&ring);
    assert_true(slice_equals(label_value_slice(stats.name), SLICE("idempotency_keys")));
    assert_int_equal(stats.used, used);
    assert_int_equal(stats.high_water, high_water);
    assert_int_equal(stats.limit, KEYS);
    assert_int_equal(stats.refused_total, 0);
}

/* Those of [first, end) are there, and no other. */
static void check_has(uint32_t first, uint32_t end) {
    for (uint32_t n = 0; n < end + KEYS; n++) {
        assert_int_equal(has(n), n >= first && n < end);
    }
    check_stats(end - first, end - first);
}

static uint32_t oldest_of(uint32_t end) {
    return end > KEYS ? end - KEYS : 0;
}

static void the_newest_are_kept(void **state) {
    (void)state;
    check_has(0, 0);
    for (uint32_t n = 0; n < 4 * KEYS + 3; n++) {
        enter(n, true);
        check_has(oldest_of(n + 1), n + 1);
    }
}

/* Refusals take no place, wherever the ring is, however many they are. */
static void refused_requests_take_no_place(void **state) {
    (void)state;
    for (uint32_t n = 0; n < 2 * KEYS + 3; n++) {
        for (uint32_t i = 0; i < 2 * KEYS + 3; i++) {
            enter(1000 + i, false);
        }
        check_has(oldest_of(n), n);
        enter(n, true);
    }
}

/* Keys that are alike in what is looked among first: each is found, until it is the oldest. */
static void keys_that_share_a_tag(void **state) {
    uint32_t alike[2 * KEYS];
    uint32_t count = 0;
    (void)state;
    for (uint32_t n = 0; count < 2 * KEYS; n++) {
        if ((uint8_t)key_of(n).low == (uint8_t)key_of(0).low) {
            alike[count++] = n;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        enter(alike[i], true);
        enter(alike[i], false); /* its key stands behind the ring's last, in a free entry */
        for (uint32_t j = 0; j < count; j++) {
            assert_int_equal(has(alike[j]), j >= oldest_of(i + 1) && j <= i);
        }
    }
}

/* ---- after a reset ---------------------------------------------------------------------- */

static struct idempotency_recovery recover(uint64_t events_posted) {
    struct idempotency_recovery found;
    memset(&found, 0xa5, sizeof found);
    idempotency_recover(&ring, hash_key, events_posted, &registry, &found);
    assert_int_equal(found.keys_count, ring.used);
    return found;
}

/* What can be worked out again is worked out again. */
static void forget_derived(void) {
    memset(&ring.key, 0xa5, sizeof ring.key);
    ring.next = 0xa5a5a5a5u;
    ring.used = 0xa5a5a5a5u;
    ring.high_water = 0xa5a5a5a5u;
    ring.repeats_total = 0xa5a5a5a5u;
    memset(ring.tags, 0xa5, sizeof ring.tags);
}

/* At every fill the ring goes on after a reset where it was. */
static void resets_between_requests(void **state) {
    (void)state;
    for (uint32_t n = 0; n < 4 * KEYS + 3; n++) {
        forget_derived();
        assert_int_equal(recover(1000).damaged_count, 0);
        check_has(oldest_of(n), n);
        assert_int_equal(ring.repeats_total, 0);
        enter(n, true);
    }
}

/* A prepared post is done exactly if its event's number was reached, modulo 2^32. */
static void a_prepared_post(void **state) {
    static const struct {
        uint64_t events_posted;
        bool done;
    } cases[] = {{6, false},
                 {7, true},
                 {8, true},
                 {UINT64_C(0x100000006), false},
                 {UINT64_C(0x100000007), true}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (uint32_t fill = 0; fill < 2 * KEYS; fill++) {
            struct idempotency_record record = record_of(fill);
            setup(state);
            for (uint32_t n = 0; n < fill; n++) {
                enter(n, true);
            }
            record.event_number = 7;
            idempotency_prepare(&ring, &record);
            forget_derived();
            assert_int_equal(recover(cases[i].events_posted).damaged_count, 0);
            assert_int_equal(idempotency_find(&ring, record.key) != NULL, cases[i].done);
            assert_int_equal(ring.used, fill + cases[i].done < KEYS ? fill + cases[i].done : KEYS);
            /* It is settled: what is posted later does not bring it back, and it can be told from
             * a new one no more. */
            assert_int_equal(recover(1000).keys_count, ring.used);
            assert_int_equal(idempotency_find(&ring, record.key) != NULL, cases[i].done);
        }
    }
}

/* A prepared transaction is done exactly if it is committed, whatever the events are. */
static void a_prepared_transaction(void **state) {
    (void)state;
    for (uint8_t txn = 0; txn < CFG_REGISTRY_TRANSACTIONS_MAX + 1; txn++) {
        for (uint8_t its_state = REGISTRY_TXN_FREE; its_state <= REGISTRY_TXN_COMMITTED;
             its_state++) {
            const bool there = txn < CFG_REGISTRY_TRANSACTIONS_MAX;
            struct idempotency_record record = record_of(1);
            setup(state);
            record.txn = txn;
            if (there) {
                registry.txns[txn].state = its_state;
            }
            idempotency_prepare(&ring, &record);
            assert_int_equal(recover(1000).damaged_count, 0);
            assert_int_equal(idempotency_find(&ring, record.key) != NULL,
                             there && its_state == REGISTRY_TXN_COMMITTED);
        }
    }
}

/* A byte damaged anywhere in an entry loses that one, or nothing, and nothing else comes up. */
static void damage(void **state) {
    (void)state;
    for (size_t at = 0; at < sizeof ring.entries; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            setup(state);
            for (uint32_t n = 0; n < KEYS + 2; n++) {
                enter(n, true);
            }
            const size_t hit = at / sizeof ring.entries[0];
            const bool was_free = hit == ring.next;
            const struct hash_digest key = ring.entries[hit].record.key;
            unsigned char *byte = (unsigned char *)ring.entries + at;
            *byte = (unsigned char)(*byte ^ 1u << bit);
            const bool seal_hit = at % sizeof ring.entries[0] < sizeof ring.entries[0].seal;
            assert_int_equal(recover(1000).damaged_count, was_free && !seal_hit ? 0 : 1);
            assert_int_equal(ring.used, was_free ? KEYS : KEYS - 1);
            uint32_t found = 0;
            for (uint32_t n = 0; n < KEYS + 2; n++) {
                found += has(n);
            }
            assert_int_equal(found, ring.used);
            assert_null(was_free || !seal_hit ? NULL : idempotency_find(&ring, key));
            /* It goes on. */
            for (uint32_t n = 100; n < 100 + 2 * KEYS; n++) {
                enter(n, true);
                assert_true(has(n));
                assert_in_range(ring.used, 1, KEYS);
            }
            for (uint32_t n = 100 + KEYS; n < 100 + 2 * KEYS; n++) {
                assert_true(has(n));
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(keys_that_are_taken, setup),
        cmocka_unit_test_setup(escapes, setup),
        cmocka_unit_test_setup(keys_that_are_refused, setup),
        cmocka_unit_test_setup(long_keys, setup),
        cmocka_unit_test_setup(the_newest_are_kept, setup),
        cmocka_unit_test_setup(refused_requests_take_no_place, setup),
        cmocka_unit_test_setup(keys_that_share_a_tag, setup),
        cmocka_unit_test_setup(resets_between_requests, setup),
        cmocka_unit_test_setup(a_prepared_post, setup),
        cmocka_unit_test_setup(a_prepared_transaction, setup),
        cmocka_unit_test_setup(damage, setup),
    };
    return cmocka_run_group_tests_name("idempotency", tests, NULL, NULL);
}
