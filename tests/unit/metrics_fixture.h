/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * metrics_fixture.h: one registry and what the tests of app/metrics do with it: whole bodies in,
 * whole pages out.
 */
#ifndef PINGSHOT_TESTS_METRICS_FIXTURE_H
#define PINGSHOT_TESTS_METRICS_FIXTURE_H

#include "metrics/exposition_reader.h"
#include "metrics/exposition_reply.h"
#include "metrics/exposition_writer.h"
#include "metrics/registry_store.h"
#include "metrics/registry_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct registry reg;
static struct registry *on = &reg; /* what the functions here are about */
static struct problem problem;
static char page_bytes[65536];

static const struct registry_txn_options defaults = {METRIC_COUNTER, false};

static const uint8_t hash_key[HASH_KEY_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};

static inline int fresh(void **state) {
    (void)state;
    memset(&reg, 0xa5, sizeof reg);
    registry_init(&reg, hash_key);
    return 0;
}

static inline struct slice of(const char *string) {
    return (struct slice){string, (uint32_t)strlen(string)};
}

static inline struct registry_txn *begin(enum registry_txn_mode mode) {
    struct registry_txn *txn = registry_txn_begin(on, mode, &defaults, &problem);
    assert_non_null(txn);
    return txn;
}

/* Reads a body into a transaction. */
static inline bool add(struct registry_txn *txn, const char *body) {
    struct exposition_reader reader;
    uint32_t n = (uint32_t)strlen(body);
    uint32_t consumed;
    problem = (struct problem){0};
    exposition_reader_init(&reader, on, txn);
    return exposition_reader_feed(&reader, body, n, &consumed, &problem) &&
           exposition_reader_finish(&reader, body + consumed, n - consumed, &problem);
}

/* A whole request: all or nothing. */
static inline bool apply_with(enum registry_txn_mode mode,
                              const struct registry_txn_options *options, const char *body) {
    struct registry_txn *txn = registry_txn_begin(on, mode, options, &problem);
    assert_non_null(txn);
    bool ok = add(txn, body) && registry_txn_commit(on, txn, &problem);
    registry_txn_end(on, txn);
    return ok;
}

static inline bool create(const char *body) {
    return apply_with(REGISTRY_CREATE, &defaults, body);
}

static inline bool update(const char *body) {
    return apply_with(REGISTRY_UPDATE, &defaults, body);
}

static inline const char *page(enum exposition_format format) {
    struct exposition_writer w;
    struct text out = text_over(page_bytes, sizeof page_bytes - 1);
    exposition_writer_init(&w, on, format);
    assert_true(exposition_writer_pull(&w, on, &out));
    page_bytes[out.len] = '\0';
    return page_bytes;
}

static inline void expect_page(const char *expected) {
    assert_string_equal(page(EXPOSITION_TEXT), expected);
}

static inline void expect_openmetrics(const char *expected) {
    assert_string_equal(page(EXPOSITION_OPENMETRICS), expected);
}

/* The last problem was of that kind, and its line is exactly that. */
static inline void expect_problem(enum problem_kind kind, const char *line) {
    char text[PROBLEM_LINE_BYTES + 1];
    memcpy(text, problem.line, problem.line_len);
    text[problem.line_len] = '\0';
    assert_string_equal(text, line);
    assert_int_equal(problem.kind, kind);
}

/* The lines a committed transaction answers with. */
static inline void expect_reply(const struct registry_txn *txn, const char *expected) {
    struct exposition_reply reply;
    struct text out = text_over(page_bytes, sizeof page_bytes - 1);
    exposition_reply_init(&reply, txn);
    assert_true(exposition_reply_pull(&reply, on, &out));
    page_bytes[out.len] = '\0';
    assert_string_equal(page_bytes, expected);
}

static inline struct table_stats stats_of(uint32_t table) {
    struct table_stats stats;
    registry_stats(on, table, &stats);
    return stats;
}

static inline uint32_t used(uint32_t table) {
    return stats_of(table).used;
}

/* The arena is blocks and gaps, and each block somebody's. Returns how many blocks there are. */
static inline uint32_t check_arena(void) {
    uint32_t blocks = 0;
    uint32_t gap_bytes = 0;
    uint32_t at = 0;
    while (at < on->arena.top_bytes) {
        const uint32_t header = on->arena.words[at / 4];
        const uint32_t words = header & 0xffff;
        assert_in_range(words, 1, (on->arena.top_bytes - at) / 4);
        if (header >> 16 == 0) {
            gap_bytes += words * 4;
        } else {
            assert_int_equal(*registry_store_text_of(on, header >> 16),
                             at + REGISTRY_ARENA_HEADER_BYTES);
            blocks++;
        }
        at += words * 4;
    }
    assert_int_equal(gap_bytes, on->arena.gap_bytes);
    assert_int_equal(on->arena.move_from, 0);
    return blocks;
}

/* Slots that are free are all in their list, and have nothing that a recovery would take for true. */
static inline void check_free_slots(void) {
    uint32_t count = 0;
    for (uint32_t s = on->series_free; s != REGISTRY_NONE; s = on->series[s].next) {
        assert_true(s < on->series_end);
        assert_int_equal(on->series[s].check, 0);
        count++;
    }
    assert_int_equal(count, on->series_end - used(1));
    count = 0;
    for (uint32_t f = on->family_free; f != REGISTRY_NONE; f = on->families[f].first_series) {
        assert_true(f < on->families_end);
        assert_int_equal(on->families[f].text, REGISTRY_ARENA_NONE);
        count++;
    }
    assert_int_equal(count, on->families_end - used(0));
}

/* The line of a series, until the next call. */
static inline const char *line_of(uint32_t series) {
    static char line[CFG_LINE_BYTES + 1];
    struct text out = text_over(line, CFG_LINE_BYTES);
    assert_true(registry_value_put_line(on, series, &out));
    line[out.len] = '\0';
    return line;
}

/* What is in a series's slot and text fits, and its line is what they say. */
static inline void check_series(uint32_t series, uint32_t family) {
    const struct registry_series *s = &on->series[series];
    const uint32_t hash = registry_store_series_hash(on, series);
    char line[CFG_LINE_BYTES];
    char identity[CFG_LINE_BYTES];
    char number[NUMBER_TEXT_BYTES + 1];
    struct text out = text_over(line, sizeof line);
    assert_int_equal(s->family, family);
    if (s->form == REGISTRY_FORM_FRESH || s->owner == REGISTRY_OWNER_SELF) {
        assert_int_equal(s->check, registry_value_made_check(s, hash, s->owner));
    } else {
        assert_int_equal(s->check, registry_value_check(s, hash, s->value));
        assert_int_equal(s->owner != 0, s->form == REGISTRY_FORM_STAGED);
    }
    assert_true(registry_value_put_line(on, series, &out));
    assert_int_equal(line[out.len - 1], '\n');
    uint32_t len = out.len - 2 - number_format(number, s->value);
    assert_int_equal(line[len], ' ');
    assert_memory_equal(line + len + 1, number, out.len - len - 2);
    memcpy(identity, line, len);
    assert_int_equal(registry_store_hash(on, (struct slice){identity, len}), hash);
    assert_int_equal(registry_store_find_series(on, (struct slice){identity, len}, hash), series);
    out = text_over(line, out.len - 1);
    assert_false(registry_value_put_line(on, series, &out));
    assert_int_equal(out.len, 0);
}

/* Every list, count and place of the registry fits the others. */
static inline void check_registry(void) {
    uint32_t families = 0;
    uint32_t series = 0;
    for (uint32_t f = 0; f < on->families_end; f++) {
        const struct registry_family *family = &on->families[f];
        if ((family->flags & REGISTRY_FAMILY_USED) == 0) {
            continue;
        }
        uint32_t count = 0;
        uint32_t last = REGISTRY_NONE;
        families++;
        assert_int_equal(registry_find_family(on, registry_family_name(on, f)), f);
        for (uint32_t s = family->first_series; s != REGISTRY_NONE; s = on->series[s].next) {
            check_series(s, f);
            last = s;
            count++;
        }
        assert_int_equal(*registry_store_family_check_at(on, f),
                         registry_store_family_check(on, f, family->owner));
        assert_int_equal(last, family->last_series);
        assert_int_equal(count, family->series_count);
        series += count;
    }
    assert_int_equal(families, used(0));
    assert_int_equal(series, used(1));
    uint32_t places = 0;
    for (uint32_t i = 0; i < REGISTRY_SERIES_PLACES; i++) {
        places += on->series_places[i] != 0;
    }
    assert_int_equal(places, series);
    assert_true(check_arena() >= families + series);
    check_free_slots();
}

/* Nothing is under way and nobody claims anything. */
static inline void expect_idle(void) {
    assert_int_equal(used(3), 0);
    for (uint32_t f = 0; f < on->families_end; f++) {
        if (on->families[f].flags & REGISTRY_FAMILY_USED) {
            assert_int_equal(on->families[f].busy_count, 0);
            assert_int_equal(on->families[f].flags & REGISTRY_FAMILY_FRESH, 0);
        }
    }
    for (uint32_t i = 0; i < CFG_REGISTRY_TRANSACTIONS_MAX; i++) {
        for (uint32_t w = 0; w < REGISTRY_SERIES_WORDS; w++) {
            assert_int_equal(on->txns[i].series[w], 0);
        }
    }
    check_registry();
    assert_int_equal(check_arena(), used(0) + used(1));
}

#endif
