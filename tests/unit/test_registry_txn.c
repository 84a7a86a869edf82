/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_registry_txn.c: what POST /create and /update mean, all or nothing, and several at once.
 */
#include "metrics_fixture.h"
#include "random_numbers.h"

/* ---- create ------------------------------------------------------------------------------ */

static void creating_again_keeps_values(void **state) {
    (void)state;
    assert_true(create("# HELP a first\n# TYPE a counter\na{x=\"1\"} 5\n"));
    struct registry_txn *txn = begin(REGISTRY_CREATE);
    assert_true(add(txn, "# HELP a second\n# TYPE a counter\na{x=\"2\"} 7\na{x=\"1\"} 100\n"));
    assert_true(registry_txn_commit(&reg, txn, &problem));
    expect_reply(txn, "a{x=\"1\"} 5\na{x=\"2\"} 7\n");
    assert_int_equal(registry_txn_series_count(txn), 2);
    registry_txn_release(&reg, txn);
    expect_page("# HELP a first\n# TYPE a counter\na{x=\"1\"} 5\na{x=\"2\"} 7\n");
    /* A body without HELP and TYPE is no contradiction, whatever the default. */
    assert_true(create("# TYPE g gauge\ng 1\n"));
    assert_true(create("g 1\n"));
    expect_idle();
}

static void types_must_agree(void **state) {
    (void)state;
    assert_true(create("# TYPE a gauge\na 1\n"));
    assert_false(create("# TYPE a counter\na 2\n"));
    expect_problem(PROBLEM_CONFLICT, "line 2: \"a\": has type gauge, here it comes with type "
                                     "counter; give the same, or delete the family first");
    assert_false(create("# TYPE a histogram\na_sum 2\n"));
    assert_int_equal(problem.kind, PROBLEM_CONFLICT);
    assert_false(create("b 1\n# TYPE a summary\n"));
    assert_int_equal(problem.kind, PROBLEM_CONFLICT);
    assert_false(update("# TYPE a counter\na 2\n"));
    assert_int_equal(problem.kind, PROBLEM_CONFLICT);
    expect_page("# TYPE a gauge\na 1\n");
    expect_idle();
}

static void default_types(void **state) {
    struct registry_txn_options gauge = {METRIC_GAUGE, false};
    struct registry_txn_options untyped = {METRIC_UNTYPED, false};
    (void)state;
    assert_true(create("a 1\n"));
    assert_true(apply_with(REGISTRY_CREATE, &gauge, "b 1\n# HELP c only help\nc 1\n"));
    assert_true(apply_with(REGISTRY_CREATE, &untyped, "d 1\n# TYPE e counter\ne 1\n# HELP f .\n"));
    expect_page("# TYPE a counter\na 1\n# TYPE b gauge\nb 1\n# HELP c only help\n# TYPE c gauge\n"
                "c 1\n# TYPE d untyped\nd 1\n# TYPE e counter\ne 1\n# HELP f .\n# TYPE f "
                "untyped\n");
    expect_idle();
}

static void label_names_must_agree(void **state) {
    struct registry_txn_options any = {METRIC_COUNTER, true};
    (void)state;
    assert_true(create("a{x=\"1\",y=\"2\"} 1\n"));
    assert_true(create("a{y=\"1\",x=\"\"} 1\n"));
    assert_false(create("b 1\na{x=\"1\"} 1\n"));
    expect_problem(PROBLEM_CONFLICT, "line 2: \"a\": has the labels {x,y}, here {x}; give the same "
                                     "ones, or allow it with ?labels=any");
    assert_false(create("a 1\n"));
    expect_problem(PROBLEM_CONFLICT, "line 1: \"a\": has the labels {x,y}, here {}; give the same "
                                     "ones, or allow it with ?labels=any");
    assert_false(update("a{x=\"1\",y=\"2\",z=\"3\"} 1\n"));
    assert_int_equal(problem.kind, PROBLEM_CONFLICT);
    assert_true(apply_with(REGISTRY_CREATE, &any, "a{x=\"1\"} 1\na 2\nb{q=\"\"} 1\nb 1\n"));
    assert_true(create("a{x=\"1\"} 1\n")); /* it exists */
    assert_false(create("a{x=\"2\"} 1\n"));
    assert_int_equal(used(1), 6);
    expect_idle();
}

/* The first series of a family says its label names, though the family was there before it, and
 * though another tried. */
static void the_first_series_says_the_label_names(void **state) {
    struct registry_txn_options any = {METRIC_COUNTER, true};
    (void)state;
    assert_true(create("# TYPE a gauge\n"));
    assert_false(create("a{z=\"1\"} 1\nb\n"));
    assert_true(apply_with(REGISTRY_CREATE, &any, "a{x=\"1\"} 1\n"));
    assert_true(create("a{x=\"2\"} 1\n"));
    assert_false(create("a{z=\"1\"} 1\n"));
    expect_problem(PROBLEM_CONFLICT, "line 1: \"a\": has the labels {x}, here {z}; give the same "
                                     "ones, or allow it with ?labels=any");
    expect_idle();
}

static void families_without_series_take_the_first_labels(void **state) {
    (void)state;
    assert_true(create("# HELP a h\n# TYPE a gauge\n"));
    expect_page("# HELP a h\n# TYPE a gauge\n");
    assert_true(update("a{x=\"1\"} 4\n"));
    assert_false(update("a{y=\"1\"} 4\n"));
    expect_problem(PROBLEM_CONFLICT, "line 1: \"a\": has the labels {x}, here {y}; give the same "
                                     "ones, or allow it with ?labels=any");
    expect_page("# HELP a h\n# TYPE a gauge\na{x=\"1\"} 4\n");
    expect_idle();
}

static void a_series_comes_once_in_a_create(void **state) {
    (void)state;
    assert_false(create("a{x=\"1\",y=\"\"} 1\nb 1\na{y=\"\",x=\"1\"} 1\n"));
    expect_problem(PROBLEM_MALFORMED, "line 3: a{x=\"1\",y=\"\"}: twice in this body; a scrape may "
                                      "carry a series once");
    assert_true(create("a 1\n"));
    assert_false(create("a 1\na 1\n"));
    assert_int_equal(problem.kind, PROBLEM_MALFORMED);
    expect_page("# TYPE a counter\na 1\n");
    expect_idle();
}

static void errors_change_nothing(void **state) {
    (void)state;
    assert_true(create("# TYPE a counter\na{x=\"1\"} 5\n# TYPE g gauge\ng 1\n"));
    char *before = strdup(page(EXPOSITION_TEXT));
    uint32_t text = used(2);
    assert_false(create("a{x=\"2\"} 1\nn 1\n# TYPE m histogram\nm_sum 1\n# TYPE z gauge\n!\n"));
    assert_false(update("a{x=\"1\"} 1\na{x=\"3\"} 1\ng 7\nnosuch 1\n"));
    expect_problem(PROBLEM_UNKNOWN, "line 4: \"nosuch\": there is no such family, make it with "
                                    "POST /create");
    expect_page(before);
    assert_int_equal(used(2), text);
    free(before);
    expect_idle();
}

/* ---- names that collide ------------------------------------------------------------------ */

static void histograms_own_their_names(void **state) {
    (void)state;
    assert_true(create("# TYPE x_count gauge\nx_count 1\n"));
    assert_false(create("# TYPE x histogram\nx_sum 1\n"));
    expect_problem(PROBLEM_CONFLICT, "line 2: \"x_count\": a family of its own cannot be beside "
                                     "the histogram \"x\", which owns that name");
    assert_false(create("# TYPE x summary\nx_count 1\n"));
    assert_int_equal(problem.kind, PROBLEM_CONFLICT);
    assert_true(create("# TYPE x gauge\nx 1\n"));
    assert_true(create("# TYPE y histogram\ny_bucket{le=\"1\"} 1\n"));
    assert_false(create("# TYPE y_bucket gauge\ny_bucket{le=\"2\"} 1\n"));
    expect_problem(PROBLEM_CONFLICT, "line 2: \"y_bucket\": a family of its own cannot be beside "
                                     "the histogram \"y\", which owns that name");
    assert_false(create("# TYPE y_sum counter\n"));
    assert_int_equal(problem.kind, PROBLEM_CONFLICT);
    /* Without a TYPE the name says where it belongs; y has no plain sample, s no buckets. */
    assert_true(create("y_sum 3\ny_count 1\n# TYPE s summary\ns_sum 1\n"));
    assert_true(create("s_bucket 1\n"));
    assert_false(create("y 1\n"));
    expect_problem(PROBLEM_MALFORMED, "line 1: \"y\": a histogram's samples are named with "
                                      "_bucket, _sum or _count");
    assert_int_equal(used(0), 5);
    expect_idle();
}

static void bounds_must_be_there(void **state) {
    struct registry_txn_options any = {METRIC_COUNTER, true};
    (void)state;
    assert_false(create("# TYPE h histogram\nh_bucket{x=\"1\"} 1\n"));
    expect_problem(PROBLEM_MALFORMED, "line 2: \"h_bucket\": needs a label le that is a number");
    assert_false(create("# TYPE h histogram\nh_bucket{le=\"one\"} 1\n"));
    expect_problem(PROBLEM_MALFORMED, "line 2: \"h_bucket\": needs a label le that is a number");
    assert_false(create("# TYPE s summary\ns{x=\"0.5\"} 1\n"));
    expect_problem(PROBLEM_MALFORMED, "line 2: \"s\": needs a label quantile that is a number");
    assert_true(create("# TYPE s summary\ns{quantile=\"0.5\",x=\"1\"} 1\ns_sum{x=\"1\"} 1\n"));
    assert_false(create("# TYPE s summary\ns_sum 1\n"));
    expect_problem(PROBLEM_CONFLICT, "line 2: \"s\": has the labels {x}, here {}; give the same "
                                     "ones, or allow it with ?labels=any");
    assert_true(create("# TYPE v histogram\nv_bucket{vmrange=\"1...2\"} 1\nv_sum 3\n"));
    assert_true(apply_with(REGISTRY_CREATE, &any, "# TYPE h histogram\nh_bucket{x=\"1\"} 1\n"));
    expect_idle();
}

/* ---- update ------------------------------------------------------------------------------ */

static void updates_add_or_set(void **state) {
    (void)state;
    assert_true(
        create("# TYPE c counter\nc{x=\"1\"} 5\n# TYPE g gauge\ng 5\n# TYPE u untyped\nu 5\n"
               "# TYPE h histogram\nh_bucket{le=\"1\"} 5\nh_sum 5\n# TYPE s summary\n"
               "s{quantile=\"0.5\"} 5\n"));
    struct registry_txn *txn = begin(REGISTRY_UPDATE);
    assert_true(add(txn, "c{x=\"1\"} 2\ng 2\nu -2\nh_bucket{le=\"1\"} 2\nh_sum NaN\n"
                         "s{quantile=\"0.5\"} 2\n"));
    assert_non_null(strstr(page(EXPOSITION_TEXT), "c{x=\"1\"} 5\n")); /* not yet */
    assert_true(registry_txn_commit(&reg, txn, &problem));
    expect_reply(txn, "c{x=\"1\"} 7\ng 2\nu -2\nh_bucket{le=\"1\"} 2\nh_sum NaN\n"
                      "s{quantile=\"0.5\"} 2\n");
    registry_txn_release(&reg, txn);
    expect_idle();
}

static void repeated_updates_in_a_body(void **state) {
    (void)state;
    assert_true(create("c{x=\"1\"} 0\n# TYPE g gauge\ng{x=\"1\"} 0\n"));
    assert_true(update("c{x=\"1\"} 1\ng{x=\"1\"} 1\nc{x=\"1\"} 2\ng{x=\"1\"} 2\n"
                       "c{x=\"2\"} 1\ng{x=\"2\"} 1\nc{x=\"2\"} 2\ng{x=\"2\"} 2\n"));
    expect_page("# TYPE c counter\nc{x=\"1\"} 3\nc{x=\"2\"} 3\n# TYPE g gauge\ng{x=\"1\"} 2\n"
                "g{x=\"2\"} 2\n");
    expect_idle();
}

static void counters_only_go_up(void **state) {
    (void)state;
    assert_true(create("c 1\n# TYPE g gauge\ng 1\n"));
    assert_false(update("g -1\nc -0.5\n"));
    expect_problem(PROBLEM_MALFORMED, "line 2: c: a counter only goes up, it cannot add -0.5");
    assert_false(update("c NaN\n"));
    expect_problem(PROBLEM_MALFORMED, "line 1: c: a counter only goes up, it cannot add NaN");
    assert_false(update("c -Inf\n"));
    assert_true(update("c 0\nc -0\nc +Inf\ng -Inf\n"));
    expect_page("# TYPE c counter\nc +Inf\n# TYPE g gauge\ng -Inf\n");
    expect_idle();
}

static void missing_values(void **state) {
    struct label_set labels;
    (void)state;
    label_set_init(&labels);
    struct registry_txn *txn = begin(REGISTRY_CREATE);
    assert_true(registry_txn_sample(&reg, txn, SLICE("c"), &labels, NULL, &problem));
    assert_true(
        registry_txn_family(&reg, txn, SLICE("g"), REGISTRY_KIND_GAUGE, NULL, LABEL_RAW, &problem));
    assert_true(registry_txn_sample(&reg, txn, SLICE("g"), &labels, NULL, &problem));
    assert_true(registry_txn_commit(&reg, txn, &problem));
    registry_txn_release(&reg, txn);
    expect_page("# TYPE c counter\nc 0\n# TYPE g gauge\ng 0\n");
    txn = begin(REGISTRY_UPDATE);
    assert_true(registry_txn_sample(&reg, txn, SLICE("c"), &labels, NULL, &problem));
    assert_true(registry_txn_sample(&reg, txn, SLICE("c"), &labels, NULL, &problem));
    assert_false(registry_txn_sample(&reg, txn, SLICE("g"), &labels, NULL, &problem));
    expect_problem(PROBLEM_MALFORMED, "g: no value; only a counter can do without, it adds 1");
    assert_true(registry_txn_commit(&reg, txn, &problem));
    registry_txn_release(&reg, txn);
    expect_page("# TYPE c counter\nc 2\n# TYPE g gauge\ng 0\n");
    expect_idle();
}

/* ---- several at once --------------------------------------------------------------------- */

static void nothing_is_seen_before_the_commit(void **state) {
    (void)state;
    assert_true(create("a{x=\"1\"} 1\n"));
    struct registry_txn *txn = begin(REGISTRY_CREATE);
    assert_true(add(txn, "a{x=\"2\"} 2\n# TYPE b gauge\nb 1\n"));
    expect_page("# TYPE a counter\na{x=\"1\"} 1\n");
    expect_openmetrics("# TYPE a unknown\na{x=\"1\"} 1\n");
    assert_true(registry_txn_commit(&reg, txn, &problem));
    expect_page("# TYPE a counter\na{x=\"1\"} 1\na{x=\"2\"} 2\n# TYPE b gauge\nb 1\n");
    registry_txn_release(&reg, txn);
    expect_idle();
}

static void what_others_claim_is_busy(void **state) {
    (void)state;
    assert_true(create("a{x=\"1\"} 1\na{x=\"2\"} 1\n# TYPE e gauge\n"));
    struct registry_txn *txn = begin(REGISTRY_UPDATE);
    struct registry_txn *maker = begin(REGISTRY_CREATE);
    assert_true(add(txn, "a{x=\"1\"} 1\n"));
    assert_true(add(maker, "b 1\na{x=\"3\"} 1\ne{l=\"\"} 1\n# TYPE f gauge\n"));
    assert_false(update("a{x=\"1\"} 1\n"));
    expect_problem(PROBLEM_BUSY,
                   "line 1: \"a\": another request is changing it, send this one again");
    assert_false(create("a{x=\"1\"} 1\n"));
    assert_int_equal(problem.kind, PROBLEM_BUSY);
    assert_false(create("b 1\n"));
    assert_int_equal(problem.kind, PROBLEM_BUSY);
    assert_false(create("b{x=\"1\"} 1\n"));
    assert_int_equal(problem.kind, PROBLEM_BUSY);
    assert_false(create("# TYPE b counter\n"));
    assert_int_equal(problem.kind, PROBLEM_BUSY);
    assert_false(update("b 1\n"));
    assert_int_equal(problem.kind, PROBLEM_BUSY);
    assert_false(create("a{x=\"3\"} 1\n"));
    assert_int_equal(problem.kind, PROBLEM_BUSY);
    assert_false(create("e{other=\"\"} 1\n")); /* its label names are not settled */
    assert_int_equal(problem.kind, PROBLEM_BUSY);
    assert_false(registry_delete(&reg, SLICE("a"), &problem));
    expect_problem(PROBLEM_BUSY,
                   "family \"a\": another request is changing it, send this one again");
    assert_false(registry_delete(&reg, SLICE("b"), &problem));
    assert_int_equal(problem.kind, PROBLEM_BUSY);
    /* The rest of the family is free. */
    assert_true(update("a{x=\"2\"} 5\na{x=\"4\"} 5\n"));
    registry_txn_rollback(&reg, maker);
    assert_true(registry_txn_commit(&reg, txn, &problem));
    registry_txn_release(&reg, txn);
    expect_page("# TYPE a counter\na{x=\"1\"} 2\na{x=\"2\"} 6\na{x=\"4\"} 5\n# TYPE e gauge\n");
    assert_true(create("e{other=\"\"} 1\n"));
    assert_true(registry_delete(&reg, SLICE("a"), &problem));
    expect_idle();
}

static void a_declared_family_is_not_deleted_meanwhile(void **state) {
    (void)state;
    assert_true(create("# TYPE a gauge\na 1\n"));
    struct registry_txn *txn = begin(REGISTRY_CREATE);
    assert_true(add(txn, "# TYPE a gauge\na 1\n"));
    assert_false(registry_delete(&reg, SLICE("a"), &problem));
    assert_int_equal(problem.kind, PROBLEM_BUSY);
    assert_true(add(txn, "# TYPE b gauge\n"));
    assert_true(registry_delete(&reg, SLICE("a"), &problem));
    assert_true(registry_txn_commit(&reg, txn, &problem));
    expect_reply(txn, "");
    registry_txn_release(&reg, txn);
    expect_page("# TYPE b gauge\n");
    expect_idle();
}

static void two_makers_in_one_family(void **state) {
    (void)state;
    assert_true(create("a{x=\"0\"} 0\n"));
    struct registry_txn *one = begin(REGISTRY_CREATE);
    struct registry_txn *two = begin(REGISTRY_CREATE);
    assert_true(add(one, "a{x=\"1\"} 1\n"));
    assert_true(add(two, "a{x=\"2\"} 2\n"));
    assert_true(add(one, "a{x=\"3\"} 3\n"));
    assert_true(add(two, "a{x=\"4\"} 4\n"));
    check_registry();
    registry_txn_rollback(&reg, one);
    check_registry();
    assert_true(registry_txn_commit(&reg, two, &problem));
    registry_txn_release(&reg, two);
    expect_page("# TYPE a counter\na{x=\"0\"} 0\na{x=\"2\"} 2\na{x=\"4\"} 4\n");
    assert_true(create("a{x=\"5\"} 5\n"));
    assert_non_null(strstr(page(EXPOSITION_TEXT), "a{x=\"4\"} 4\na{x=\"5\"} 5\n"));
    expect_idle();
}

static void transactions_run_out(void **state) {
    struct registry_txn *txns[CFG_REGISTRY_TRANSACTIONS_MAX];
    (void)state;
    for (uint32_t i = 0; i < CFG_REGISTRY_TRANSACTIONS_MAX; i++) {
        txns[i] = begin(REGISTRY_CREATE);
    }
    assert_null(registry_txn_begin(&reg, REGISTRY_CREATE, &defaults, &problem));
    expect_problem(PROBLEM_FULL, "table registry_transactions is full (limit 3): that many "
                                 "requests are changing metrics, send this one again");
    assert_int_equal(stats_of(3).refused_total, 1);
    assert_int_equal(stats_of(3).high_water, CFG_REGISTRY_TRANSACTIONS_MAX);
    assert_true(registry_txn_commit(&reg, txns[1], &problem));
    registry_txn_end(&reg, txns[1]);
    txns[1] = begin(REGISTRY_UPDATE);
    for (uint32_t i = 0; i < CFG_REGISTRY_TRANSACTIONS_MAX; i++) {
        registry_txn_end(&reg, txns[i]);
        registry_txn_end(&reg, txns[i]); /* harmless */
    }
    expect_idle();
}

/* All that is in the registry moves while three transactions hold declarations and series. */
static void text_moves_under_transactions(void **state) {
    char filler[CFG_LINE_BYTES];
    (void)state;
    snprintf(filler, sizeof filler, "z{v=\"%0300d\"} 1\n", 0);
    for (int i = 0; i < 60; i++) {
        struct registry_txn *one = begin(REGISTRY_CREATE);
        struct registry_txn *two = begin(REGISTRY_CREATE);
        assert_true(add(one, "# HELP a one\n# TYPE a gauge\n"));
        assert_true(add(two, "# HELP b two\n# TYPE b gauge\nb{x=\"1\"} 1\n"));
        assert_true(create(filler));
        assert_true(registry_delete(&reg, SLICE("z"), &problem));
        assert_true(add(one, "a{y=\"1\"} 1\n# HELP c three\n"));
        assert_true(create(filler));
        assert_true(add(two, "b{x=\"2\"} 1\n"));
        assert_true(registry_delete(&reg, SLICE("z"), &problem));
        assert_true(registry_txn_commit(&reg, one, &problem));
        assert_true(registry_txn_commit(&reg, two, &problem));
        expect_reply(two, "b{x=\"1\"} 1\nb{x=\"2\"} 1\n");
        registry_txn_release(&reg, two);
        registry_txn_release(&reg, one);
        const char *text = page(EXPOSITION_TEXT);
        assert_non_null(strstr(text, "# HELP a one\n# TYPE a gauge\na{y=\"1\"} 1\n"));
        assert_non_null(strstr(text, "# HELP b two\n# TYPE b gauge\nb{x=\"1\"} 1\nb{x=\"2\"} 1\n"));
        assert_non_null(strstr(text, "# HELP c three\n# TYPE c counter\n"));
        assert_true(registry_delete(&reg, SLICE("a"), &problem));
        assert_true(registry_delete(&reg, SLICE("b"), &problem));
        assert_true(registry_delete(&reg, SLICE("c"), &problem));
        expect_idle();
    }
    assert_int_equal(stats_of(2).refused_total, 0);
}

/* ---- limits ------------------------------------------------------------------------------ */

static bool create_named(uint32_t name_len) {
    char body[CFG_LINE_BYTES];
    memset(body, 'n', name_len);
    memcpy(body + name_len, " 1\n", 4);
    return create(body);
}

static void names_have_a_limit(void **state) {
    (void)state;
    assert_true(create_named(REGISTRY_NAME_BYTES));
    assert_false(create_named(REGISTRY_NAME_BYTES + 1));
    expect_problem(PROBLEM_TOO_LARGE,
                   "line 1: \"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
                   "nnnnnnnnnnnnnnnnnnnnn...\": a name may have 128 bytes");
    assert_false(update("1a 1\n"));
    expect_problem(PROBLEM_MALFORMED, "line 1: \"1a\": a metric name is [a-zA-Z_:][a-zA-Z0-9_:]*");
    assert_true(create("_:1 1\n"));
    expect_idle();
}

static bool create_valued(const char *name, uint32_t value_len) {
    char value[2 * CFG_LINE_BYTES];
    struct label_set labels;
    double one = 1;
    memset(value, '"', value_len); /* two bytes each, escaped */
    label_set_init(&labels);
    assert_true(
        label_set_add(&labels, SLICE("l"), (struct slice){value, value_len}, LABEL_RAW, &problem));
    struct registry_txn *txn = begin(REGISTRY_CREATE);
    bool ok = registry_txn_sample(&reg, txn, of(name), &labels, &one, &problem) &&
              registry_txn_commit(&reg, txn, &problem);
    registry_txn_end(&reg, txn);
    return ok;
}

static void lines_have_a_limit(void **state) {
    uint32_t fits = (CFG_LINE_BYTES - 2 - NUMBER_TEXT_BYTES - (uint32_t)strlen("a{l=\"\"}")) / 2;
    (void)state;
    assert_true(create_valued("a", fits));
    assert_false(create_valued("a", fits + 1));
    expect_problem(PROBLEM_TOO_LARGE, "\"a\": the sample's line would be longer than 512 bytes");
    expect_idle();
}

static bool create_helped(uint32_t help_len, char byte) {
    char help[2 * CFG_LINE_BYTES];
    memset(help, byte, help_len);
    struct slice slice = {help, help_len};
    struct registry_txn *txn = begin(REGISTRY_CREATE);
    bool ok = registry_txn_family(&reg, txn, SLICE("a"), REGISTRY_KIND_GAUGE, &slice, LABEL_RAW,
                                  &problem) &&
              registry_txn_commit(&reg, txn, &problem);
    registry_txn_end(&reg, txn);
    return ok;
}

static void helps_have_a_limit(void **state) {
    uint32_t fits = CFG_LINE_BYTES - (uint32_t)strlen("# HELP a \n");
    (void)state;
    assert_false(create_helped(fits + 1, 'h'));
    expect_problem(PROBLEM_TOO_LARGE, "\"a\": its HELP line is longer than 512 bytes");
    assert_false(create_helped(CFG_LINE_BYTES + 1, 'h'));
    expect_problem(PROBLEM_TOO_LARGE, "\"a\": its help is longer than a line may be, 512 bytes");
    assert_false(create_helped(fits / 2 + 1, '\\'));
    assert_int_equal(problem.kind, PROBLEM_TOO_LARGE);
    assert_false(create_helped(fits / 2 + 1, '"')); /* two bytes each in OpenMetrics */
    assert_int_equal(problem.kind, PROBLEM_TOO_LARGE);
    assert_true(create_helped(fits / 2, '"'));
    assert_true(registry_delete(&reg, SLICE("a"), &problem));
    assert_true(create_helped(fits, 'h'));
    expect_idle();
}

/* ---- against a model --------------------------------------------------------------------- */

#define FAMILIES 5
#define LABELS 4

struct model {
    bool has[FAMILIES][LABELS];
    double value[FAMILIES][LABELS];
};

/* What is committed, and what each transaction under way would make of it. */
static struct model committed;
static struct model pending[CFG_REGISTRY_TRANSACTIONS_MAX];
static bool named[CFG_REGISTRY_TRANSACTIONS_MAX][FAMILIES]
                 [LABELS]; /* in its body, and still there */
static struct registry_txn *open_txns[CFG_REGISTRY_TRANSACTIONS_MAX];

static bool family_exists(uint32_t f) {
    for (uint32_t l = 0; l < LABELS; l++) {
        if (committed.has[f][l]) {
            return true;
        }
    }
    return false;
}

/* True when another transaction than `me` has something in the family, or in this very series. */
static bool claimed(uint32_t me, uint32_t f, uint32_t label, bool whole_family) {
    for (uint32_t i = 0; i < CFG_REGISTRY_TRANSACTIONS_MAX; i++) {
        for (uint32_t l = 0; i != me && open_txns[i] != NULL && l < LABELS; l++) {
            if (pending[i].has[f][l] && (whole_family || l == label)) {
                return true;
            }
        }
    }
    return false;
}

static void end_txn(uint32_t i) {
    registry_txn_end(&reg, open_txns[i]);
    open_txns[i] = NULL;
    memset(&pending[i], 0, sizeof pending[i]);
    memset(&named[i], 0, sizeof named[i]);
}

static void random_sample(uint32_t i) {
    char body[64];
    struct registry_txn *txn = open_txns[i];
    bool updates = txn->mode == REGISTRY_UPDATE;
    uint32_t f = random_below(FAMILIES);
    uint32_t l = random_below(LABELS);
    double value = 1 + random_below(100);
    bool busy = claimed(i, f, l, !family_exists(f));
    bool unknown = updates && !family_exists(f);
    bool twice = !updates && named[i][f][l];
    snprintf(body, sizeof body, "f%u{l=\"%u\"} %g\n", f, l, value);
    if (!add(txn, body)) {
        assert_int_equal(problem.kind, busy      ? PROBLEM_BUSY
                                       : unknown ? PROBLEM_UNKNOWN
                                                 : PROBLEM_MALFORMED);
        assert_true(busy || unknown || twice);
        end_txn(i);
        return;
    }
    assert_false(busy || unknown || twice);
    named[i][f][l] = true;
    if (updates) {
        pending[i].value[f][l] += value;
    } else if (!committed.has[f][l]) {
        pending[i].value[f][l] = value;
    } else {
        return; /* it exists: nothing is claimed */
    }
    pending[i].has[f][l] = true;
}

static void random_commit(uint32_t i) {
    assert_true(registry_txn_commit(&reg, open_txns[i], &problem));
    for (uint32_t f = 0; f < FAMILIES; f++) {
        for (uint32_t l = 0; l < LABELS; l++) {
            committed.has[f][l] |= pending[i].has[f][l];
            committed.value[f][l] += pending[i].value[f][l];
        }
    }
    end_txn(i);
}

static void random_delete(void) {
    char name[8];
    uint32_t f = random_below(FAMILIES);
    snprintf(name, sizeof name, "f%u", f);
    bool busy = claimed(UINT32_MAX, f, 0, true);
    bool there = family_exists(f);
    bool deleted = registry_delete(&reg, of(name), &problem);
    assert_int_equal(deleted, there && !busy);
    if (deleted) {
        memset(committed.has[f], 0, sizeof committed.has[f]);
        memset(committed.value[f], 0, sizeof committed.value[f]);
        for (uint32_t i = 0; i < CFG_REGISTRY_TRANSACTIONS_MAX; i++) {
            memset(named[i][f], 0, sizeof named[i][f]);
        }
    }
}

static void expect_committed(void) {
    const char *text = page(EXPOSITION_TEXT);
    size_t len = 0;
    for (uint32_t f = 0; f < FAMILIES; f++) {
        char line[64];
        snprintf(line, sizeof line, "# TYPE f%u counter\n", f);
        assert_int_equal(strstr(text, line) != NULL, family_exists(f));
        len += family_exists(f) ? strlen(line) : 0;
        for (uint32_t l = 0; l < LABELS; l++) {
            if (committed.has[f][l]) {
                snprintf(line, sizeof line, "\nf%u{l=\"%u\"} %.17g\n", f, l, committed.value[f][l]);
                assert_non_null(strstr(text, line));
                len += strlen(line) - 1;
            }
        }
    }
    assert_int_equal(strlen(text), len);
}

static void random_transactions(void **state) {
    (void)state;
    random_start();
    for (int step = 0; step < 20000; step++) {
        uint32_t i = random_below(CFG_REGISTRY_TRANSACTIONS_MAX);
        uint32_t what = random_below(12);
        if (open_txns[i] == NULL) {
            open_txns[i] = begin(random_below(2) == 0 ? REGISTRY_CREATE : REGISTRY_UPDATE);
        } else if (what == 0) {
            random_commit(i);
        } else if (what == 1) {
            end_txn(i);
        } else if (what == 2) {
            random_delete();
        } else {
            random_sample(i);
        }
        check_registry();
        expect_committed();
    }
    for (uint32_t i = 0; i < CFG_REGISTRY_TRANSACTIONS_MAX; i++) {
        if (open_txns[i] != NULL) {
            end_txn(i);
        }
    }
    expect_committed();
    expect_idle();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(creating_again_keeps_values, fresh),
        cmocka_unit_test_setup(types_must_agree, fresh),
        cmocka_unit_test_setup(default_types, fresh),
        cmocka_unit_test_setup(label_names_must_agree, fresh),
        cmocka_unit_test_setup(the_first_series_says_the_label_names, fresh),
        cmocka_unit_test_setup(families_without_series_take_the_first_labels, fresh),
        cmocka_unit_test_setup(a_series_comes_once_in_a_create, fresh),
        cmocka_unit_test_setup(errors_change_nothing, fresh),
        cmocka_unit_test_setup(histograms_own_their_names, fresh),
        cmocka_unit_test_setup(bounds_must_be_there, fresh),
        cmocka_unit_test_setup(updates_add_or_set, fresh),
        cmocka_unit_test_setup(repeated_updates_in_a_body, fresh),
        cmocka_unit_test_setup(counters_only_go_up, fresh),
        cmocka_unit_test_setup(missing_values, fresh),
        cmocka_unit_test_setup(nothing_is_seen_before_the_commit, fresh),
        cmocka_unit_test_setup(what_others_claim_is_busy, fresh),
        cmocka_unit_test_setup(a_declared_family_is_not_deleted_meanwhile, fresh),
        cmocka_unit_test_setup(two_makers_in_one_family, fresh),
        cmocka_unit_test_setup(transactions_run_out, fresh),
        cmocka_unit_test_setup(text_moves_under_transactions, fresh),
        cmocka_unit_test_setup(names_have_a_limit, fresh),
        cmocka_unit_test_setup(lines_have_a_limit, fresh),
        cmocka_unit_test_setup(helps_have_a_limit, fresh),
        cmocka_unit_test_setup(random_transactions, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
