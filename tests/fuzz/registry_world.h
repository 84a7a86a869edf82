/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_world.h: what the fuzz targets of request bodies share: a registry with a family of each
 * type, requests that change it, and what has to hold after each, taken or refused.
 */
#ifndef PINGSHOT_TESTS_REGISTRY_WORLD_H
#define PINGSHOT_TESTS_REGISTRY_WORLD_H

#include "metrics_fixture.h"
#include "no_clock.h"

/* A request but for its body: one printable character, whose bits these are from '0' on. */
#define WORLD_UPDATE 1u        /* else create */
#define WORLD_DEFAULT_GAUGE 2u /* else counter */
#define WORLD_DEFAULT_UNTYPED 4u
#define WORLD_ANY_LABELS 8u
#define WORLD_CONTENDED 16u /* others are under way */

struct world_snapshot {
    uint32_t families;
    uint32_t series;
    uint32_t text_len;
    uint32_t openmetrics_len;
    char text[sizeof page_bytes];
    char openmetrics[sizeof page_bytes];
};

static inline unsigned world_options(uint8_t character) {
    return (unsigned)(character - '0') & 31u;
}

static inline void world_start(void) {
    fresh(NULL);
    assert_true(create("# HELP c A counter.\n# TYPE c counter\nc{x=\"1\"} 1\n"
                       "# TYPE g gauge\ng 1\n"
                       "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n"
                       "h_sum 3\nh_count 2\n"
                       "# TYPE s summary\ns{quantile=\"0.5\"} 1\n"
                       "# TYPE u untyped\nu 1\n"));
}

static inline uint32_t world_page(enum exposition_format format, char *into) {
    uint32_t len = (uint32_t)strlen(page(format));
    memcpy(into, page_bytes, len);
    return len;
}

static inline void world_snapshot(struct world_snapshot *s) {
    s->families = used(0);
    s->series = used(1);
    s->text_len = world_page(EXPOSITION_TEXT, s->text);
    s->openmetrics_len = world_page(EXPOSITION_OPENMETRICS, s->openmetrics);
}

static inline void world_expect_same(const struct world_snapshot *a,
                                     const struct world_snapshot *b) {
    assert_int_equal(a->text_len, b->text_len);
    assert_memory_equal(a->text, b->text, a->text_len);
    assert_int_equal(a->openmetrics_len, b->openmetrics_len);
    assert_memory_equal(a->openmetrics, b->openmetrics, a->openmetrics_len);
    assert_int_equal(a->families, b->families);
    assert_int_equal(a->series, b->series);
}

/* The line of a refusal is one line of text. */
static inline void world_expect_refusal(void) {
    struct slice line = {problem.line, problem.line_len};
    assert_in_range(line.len, 1, PROBLEM_LINE_BYTES);
    assert_int_equal(slice_utf8_error(line), line.len);
    assert_null(memchr(line.bytes, '\n', line.len));
}

/* Both others hold what the requests would like to have. */
static inline void world_contend(struct registry_txn *others[2]) {
    others[0] = begin(REGISTRY_UPDATE);
    assert_true(add(others[0], "c{x=\"1\"} 5\n"));
    others[1] = begin(REGISTRY_CREATE);
    (void)add(others[1], "new{a=\"b\"} 1\n"); /* refused when a table is full */
}

/* One request, all or nothing; `read_body` puts its body into the transaction. The lines that
 * answer it are in page_bytes. */
static inline bool world_apply(unsigned options, bool (*read_body)(struct registry_txn *txn)) {
    static struct world_snapshot before;
    static struct world_snapshot after;
    const struct registry_txn_options o = {
        .default_type = options & WORLD_DEFAULT_UNTYPED ? METRIC_UNTYPED
                        : options & WORLD_DEFAULT_GAUGE ? METRIC_GAUGE
                                                        : METRIC_COUNTER,
        .any_labels = options & WORLD_ANY_LABELS,
    };
    struct registry_txn *others[2] = {NULL, NULL};
    world_snapshot(&before);
    if (options & WORLD_CONTENDED) {
        world_contend(others);
    }
    problem = (struct problem){0};
    struct registry_txn *txn = registry_txn_begin(
        &reg, options & WORLD_UPDATE ? REGISTRY_UPDATE : REGISTRY_CREATE, &o, &problem);
    assert_non_null(txn);
    bool ok = read_body(txn) && registry_txn_commit(&reg, txn, &problem);
    struct problem told = problem;
    registry_txn_end(&reg, txn);
    for (int i = 0; i < 2 && others[i] != NULL; i++) {
        registry_txn_rollback(&reg, others[i]);
    }
    problem = told;
    expect_idle();
    if (!ok) {
        world_expect_refusal();
        world_snapshot(&after);
        world_expect_same(&before, &after);
    }
    return ok;
}

/* Not a byte of text is left when all families are deleted. */
static inline void world_delete_all(void) {
    for (uint32_t f = 0; f < reg.families_end; f++) {
        if (reg.families[f].flags & REGISTRY_FAMILY_USED) {
            assert_true(registry_delete(&reg, registry_family_name(&reg, f), &problem));
        }
    }
    for (uint32_t i = 0; i < REGISTRY_TABLES; i++) {
        assert_int_equal(used(i), 0);
    }
}

static inline bool world_help_begins_blank(const char *text) {
    for (const char *at = text; (at = strstr(at, "# HELP ")) != NULL; at++) {
        bool is_line = at == text || at[-1] == '\n';
        const char *help = at + 7 + strcspn(at + 7, " ");
        if (is_line && (strncmp(help, "  ", 2) == 0 || strncmp(help, " \t", 2) == 0)) {
            return true;
        }
    }
    return false;
}

/* The world's end. A reset changes nothing of what it shows, not even the order. What it shows can be said to an empty one, which then shows the same: all of it,
 * unless a help begins with blanks, as JSON's can, which the text format has no way to say. */
static inline void world_end(void) {
    static const struct registry_txn_options any = {METRIC_COUNTER, true};
    static char text[sizeof page_bytes];
    uint32_t families = used(0);
    uint32_t series = used(1);
    struct registry_recovery found;
    memcpy(text, page(EXPOSITION_TEXT), sizeof text);
    registry_recover(&reg, hash_key, &found);
    expect_idle();
    expect_page(text);
    world_delete_all();
    fresh(NULL);
    assert_true(apply_with(REGISTRY_CREATE, &any, text));
    assert_int_equal(used(0), families);
    assert_int_equal(used(1), series);
    if (!world_help_begins_blank(text)) {
        expect_page(text);
    }
}

#endif
