/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_registry.c: the tables themselves: pingshot's own metrics, deletion, look-up, limits, text
 * that moves, and a long random run against a naive model.
 */
#include "metrics_fixture.h"
#include "random_numbers.h"

/* ---- own metrics ------------------------------------------------------------------------- */

static uint32_t own(const char *name, enum metric_type type) {
    return registry_add_own(&reg, of(name), SLICE("Help \\ of\nit."), type, &problem);
}

static void own_metrics_count(void **state) {
    struct label_set labels;
    (void)state;
    uint32_t family = own("ping_request_count", METRIC_COUNTER);
    label_set_init(&labels);
    assert_true(label_set_add(&labels, SLICE("receiver"), SLICE(""), LABEL_RAW, &problem));
    assert_true(label_set_add(&labels, SLICE("path"), SLICE("a\"b"), LABEL_RAW, &problem));
    uint32_t series = registry_own_series(&reg, family, &labels, &problem);
    assert_int_not_equal(series, REGISTRY_NONE);
    assert_int_equal(registry_own_series(&reg, family, &labels, &problem), series);
    expect_page("# HELP ping_request_count Help \\\\ of\\nit.\n"
                "# TYPE ping_request_count counter\n"
                "ping_request_count{path=\"a\\\"b\",receiver=\"\"} 0\n");
    registry_own_add(&reg, series, 1);
    registry_own_add(&reg, series, 1);
    assert_non_null(strstr(line_of(series), "} 2\n"));
    registry_own_set(&reg, series, -1.25e-9);
    assert_non_null(strstr(line_of(series), " -1.25e-09\n"));
    assert_int_equal(own("ping_request_count", METRIC_GAUGE), REGISTRY_NONE);
    expect_problem(PROBLEM_CONFLICT, "family \"ping_request_count\": exists");
    expect_idle();
}

static void own_names_are_refused_to_requests(void **state) {
    static const char *const names[] = {"ping_request_count", "pingshot_", "pingshot_up",
                                        "events_to_metrics", "events_to_metrics_event_count"};
    (void)state;
    own("ping_request_count", METRIC_COUNTER);
    own("handed_out", METRIC_GAUGE);
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char body[64];
        snprintf(body, sizeof body, "%s 1\n", names[i]);
        assert_false(create(body));
        assert_int_equal(problem.kind, PROBLEM_CONFLICT);
        assert_false(update(body));
        assert_int_equal(problem.kind, PROBLEM_CONFLICT);
        assert_false(registry_delete(&reg, of(names[i]), &problem));
        assert_int_equal(problem.kind, PROBLEM_CONFLICT);
    }
    assert_false(create("handed_out 1\n"));
    expect_problem(PROBLEM_CONFLICT,
                   "line 1: \"handed_out\": is pingshot's own, choose another name");
    assert_false(registry_delete(&reg, SLICE("handed_out"), &problem));
    expect_problem(PROBLEM_CONFLICT, "family \"handed_out\": is pingshot's own and stays");
    /* A histogram whose count would be pingshot's. */
    assert_false(create("# TYPE ping_request histogram\nping_request_count 1\n"));
    assert_int_equal(problem.kind, PROBLEM_CONFLICT);
    assert_true(create("pingshot 1\nping_request_counts 2\n"));
    assert_int_equal(used(0), 4);
    expect_idle();
}

static void own_series_hit_by_a_request_stay(void **state) {
    struct label_set labels;
    (void)state;
    uint32_t family = own("ping_request_count", METRIC_COUNTER);
    label_set_init(&labels);
    registry_own_series(&reg, family, &labels, &problem);
    assert_false(update("ping_request_count 5\n"));
    expect_problem(PROBLEM_CONFLICT,
                   "line 1: \"ping_request_count\": is pingshot's own, choose another name");
    expect_idle();
}

static void own_limits(void **state) {
    struct label_set labels;
    char value[CFG_LINE_BYTES];
    (void)state;
    uint32_t family = own("own", METRIC_GAUGE);
    /* own{l="..."} value\n: one byte too many, then just fitting. */
    uint32_t fits = CFG_LINE_BYTES - 1 - NUMBER_TEXT_BYTES - 1 - (uint32_t)strlen("own{l=\"\"}");
    memset(value, 'v', sizeof value);
    label_set_init(&labels);
    label_set_add(&labels, SLICE("l"), (struct slice){value, fits + 1}, LABEL_RAW, &problem);
    assert_int_equal(registry_own_series(&reg, family, &labels, &problem), REGISTRY_NONE);
    assert_int_equal(problem.kind, PROBLEM_TOO_LARGE);
    label_set_init(&labels);
    label_set_add(&labels, SLICE("l"), (struct slice){value, fits}, LABEL_RAW, &problem);
    uint32_t series = registry_own_series(&reg, family, &labels, &problem);
    assert_int_not_equal(series, REGISTRY_NONE);
    registry_own_set(&reg, series, -0.0000012345678901234567);
    assert_int_equal(strlen(line_of(series)), CFG_LINE_BYTES);
    memset(value, 'h', sizeof value);
    assert_int_equal(registry_add_own(&reg, SLICE("long"),
                                      (struct slice){value, CFG_LINE_BYTES - 12}, METRIC_GAUGE,
                                      &problem),
                     REGISTRY_NONE);
    assert_int_equal(problem.kind, PROBLEM_TOO_LARGE);
    assert_int_not_equal(registry_add_own(&reg, SLICE("long"),
                                          (struct slice){value, CFG_LINE_BYTES - 13}, METRIC_GAUGE,
                                          &problem),
                         REGISTRY_NONE);
    expect_idle();
}

/* ---- deletion ---------------------------------------------------------------------------- */

static void deleted_families_are_gone(void **state) {
    (void)state;
    assert_true(create("a 1\nb{x=\"1\"} 2\nb{x=\"2\"} 3\nc 4\n"));
    assert_true(registry_delete(&reg, SLICE("b"), &problem));
    expect_page("# TYPE a counter\na 1\n# TYPE c counter\nc 4\n");
    assert_false(registry_delete(&reg, SLICE("b"), &problem));
    expect_problem(PROBLEM_UNKNOWN, "family \"b\": does not exist");
    assert_false(registry_delete(&reg, SLICE(""), &problem));
    assert_int_equal(problem.kind, PROBLEM_UNKNOWN);
    assert_false(registry_delete(&reg, SLICE("evil\n\x01"), &problem));
    expect_problem(PROBLEM_UNKNOWN, "family \"evil??\": does not exist");
    assert_int_equal(used(0), 2);
    assert_int_equal(used(1), 2);
    /* Its slots are used anew, in the order of the body. */
    assert_true(create("b{y=\"1\"} 5\nb{y=\"2\"} 6\n"));
    expect_page("# TYPE a counter\na 1\n# TYPE b counter\nb{y=\"1\"} 5\nb{y=\"2\"} 6\n"
                "# TYPE c counter\nc 4\n");
    expect_idle();
}

static void a_reply_under_way_loses_what_is_deleted(void **state) {
    (void)state;
    struct registry_txn *txn = begin(REGISTRY_CREATE);
    assert_true(add(txn, "a 1\nb{x=\"1\"} 2\nb{x=\"2\"} 3\nc 4\n"));
    assert_true(registry_txn_commit(&reg, txn, &problem));
    expect_reply(txn, "a 1\nb{x=\"1\"} 2\nb{x=\"2\"} 3\nc 4\n");
    assert_true(registry_delete(&reg, SLICE("b"), &problem));
    assert_true(create("secret{z=\"1\"} 1\nsecret{z=\"2\"} 1\n"));
    assert_true(update("a 9\n"));
    expect_reply(txn, "a 10\nc 4\n");
    registry_txn_release(&reg, txn);
    expect_idle();
}

/* ---- full tables ------------------------------------------------------------------------- */

static void full_families(void **state) {
    char body[1024] = "";
    (void)state;
    for (int i = 0; i < CFG_FAMILIES_MAX; i++) {
        snprintf(body + strlen(body), sizeof body - strlen(body), "f%d 1\n", i);
    }
    assert_true(create(body));
    char *before = strdup(page(EXPOSITION_TEXT));
    assert_false(create("f1 1\none_more 1\n"));
    expect_problem(PROBLEM_FULL, "line 2: table families is full (limit 16, CFG_FAMILIES_MAX): "
                                 "delete what is not needed; nothing was changed");
    assert_false(create("# TYPE without_samples gauge\n"));
    assert_int_equal(problem.kind, PROBLEM_FULL);
    expect_page(before);
    free(before);
    struct table_stats stats = stats_of(0);
    assert_true(slice_equals(label_value_slice(stats.name), SLICE("families")));
    assert_int_equal(stats.used, 16);
    assert_int_equal(stats.high_water, 16);
    assert_int_equal(stats.limit, 16);
    assert_int_equal(stats.refused_total, 2);
    assert_true(registry_delete(&reg, SLICE("f7"), &problem));
    assert_true(create("one_more 1\n"));
    expect_idle();
}

static void full_series(void **state) {
    char body[2048] = "";
    (void)state;
    for (int i = 0; i < CFG_SERIES_MAX; i++) {
        snprintf(body + strlen(body), sizeof body - strlen(body), "f{n=\"%d\"} 1\n", i);
    }
    assert_true(create(body));
    assert_false(create("f{n=\"1\"} 1\ng 1\n"));
    expect_problem(PROBLEM_FULL, "line 2: table series is full (limit 64, CFG_SERIES_MAX): "
                                 "delete what is not needed; nothing was changed");
    assert_false(update("f{n=\"1\"} 1\nf{n=\"new\"} 1\n"));
    assert_int_equal(problem.kind, PROBLEM_FULL);
    assert_int_equal(used(0), 1);
    assert_int_equal(used(1), 64);
    assert_int_equal(stats_of(1).refused_total, 2);
    assert_true(slice_equals(label_value_slice(stats_of(1).name), SLICE("series")));
    assert_non_null(strstr(page(EXPOSITION_TEXT), "f{n=\"1\"} 1\n"));
    expect_idle();
}

/* Fills the arena with long values, makes gaps, and fits longer ones in by closing them. */
static void full_text(void **state) {
    char body[2 * CFG_LINE_BYTES];
    int made = 0;
    (void)state;
    for (;; made++) {
        snprintf(body, sizeof body, "f%d{v=\"a%0220d\"} %d\nf%d{v=\"b%0220d\"} 1\n", made, made,
                 made, made, made);
        if (!create(body)) {
            break;
        }
    }
    expect_problem(PROBLEM_FULL,
                   "line 2: table registry_text_bytes is full (limit 8192, "
                   "CFG_REGISTRY_TEXT_BYTES): delete what is not needed; nothing was changed");
    assert_in_range(made, 10, CFG_FAMILIES_MAX);
    struct table_stats stats = stats_of(2);
    assert_true(slice_equals(label_value_slice(stats.name), SLICE("registry_text_bytes")));
    assert_int_equal(stats.refused_total, 1);
    assert_in_range(stats.used, 8192 - 600, 8192);
    /* Every other goes; each gap is smaller than what comes. */
    for (int i = 0; i < made; i += 2) {
        snprintf(body, sizeof body, "f%d", i);
        assert_true(registry_delete(&reg, of(body), &problem));
    }
    check_registry();
    for (int i = 0; i < 3; i++) {
        snprintf(body, sizeof body, "g%d{v=\"%0400d\"} %d\n", i, i, i);
        assert_true(create(body));
        check_registry();
    }
    for (int i = 1; i < made; i += 2) {
        snprintf(body, sizeof body, "\nf%d{v=\"a%0220d\"} %d\n", i, i, i);
        assert_non_null(strstr(page(EXPOSITION_TEXT), body));
    }
    assert_in_range(stats_of(2).high_water, stats.used, 8192);
    expect_idle();
}

/* What is tried and rolled back leaves no text behind, however often. */
static void rollbacks_leak_nothing(void **state) {
    (void)state;
    assert_true(create("# HELP keep me\nkeep 1\n"));
    uint32_t text = used(2);
    for (int i = 0; i < 1000; i++) {
        assert_false(create("# HELP a text\n# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 1\n"
                            "b 1\nkeep 1\nbroken\n"));
        assert_int_equal(used(2), text);
    }
    assert_int_equal(used(0), 1);
    assert_int_equal(used(1), 1);
    assert_int_equal(stats_of(2).refused_total, 0);
    expect_idle();
}

/* ---- against a model --------------------------------------------------------------------- */

#define MODEL_FAMILIES 24
#define MODEL_LABELS 6

static struct {
    bool there;
    bool has[MODEL_LABELS];
    double value[MODEL_LABELS];
} model[MODEL_FAMILIES];

static void put_sample(char *body, uint32_t family, uint32_t label, double value) {
    char padding[64] = "";
    memset(padding, 'p', label * 7);
    sprintf(body + strlen(body), "m%02u{l=\"%u%s\"} %g\n", family, label, padding, value);
}

/* One request of a few samples, on registry and model alike. */
static void random_request(void) {
    char body[2048] = "";
    bool updates = random_below(2) == 0;
    bool breaks = random_below(3) == 0;
    uint32_t samples = 1 + random_below(5);
    uint32_t family = random_below(MODEL_FAMILIES);
    bool known = model[family].there;
    double added[MODEL_LABELS] = {0};
    bool named[MODEL_LABELS] = {false};
    for (uint32_t i = 0; i < samples; i++) {
        uint32_t label = random_below(MODEL_LABELS);
        double value = 1 + random_below(1000);
        if (!updates && named[label]) {
            continue;
        }
        put_sample(body, family, label, value);
        named[label] = true;
        added[label] += value;
    }
    strcat(body, breaks ? "broken\n" : "");
    bool ok = updates ? update(body) : create(body);
    if (!ok && problem.kind == PROBLEM_FULL) {
        return;
    }
    assert_int_equal(ok, !breaks && (known || !updates));
    for (uint32_t label = 0; ok && label < MODEL_LABELS; label++) {
        if (named[label] && (updates || !model[family].has[label])) {
            bool had = model[family].has[label];
            model[family].value[label] = (had ? model[family].value[label] : 0) + added[label];
            model[family].has[label] = true;
        }
        model[family].there = true;
    }
}

static void random_delete(void) {
    char name[8];
    uint32_t family = random_below(MODEL_FAMILIES);
    snprintf(name, sizeof name, "m%02u", family);
    assert_int_equal(registry_delete(&reg, of(name), &problem), model[family].there);
    memset(&model[family], 0, sizeof model[family]);
}

static void expect_model(void) {
    uint32_t series = 0;
    uint32_t families = 0;
    const char *text = page(EXPOSITION_TEXT);
    for (uint32_t f = 0; f < MODEL_FAMILIES; f++) {
        families += model[f].there;
        for (uint32_t l = 0; l < MODEL_LABELS; l++) {
            char line[128] = "\n";
            if (model[f].has[l]) {
                put_sample(line, f, l, 0);
                sprintf(strrchr(line, ' '), " %.17g\n", model[f].value[l]);
                assert_non_null(strstr(text, line));
                series++;
            }
        }
    }
    assert_int_equal(used(0), families);
    assert_int_equal(used(1), series);
    expect_idle();
}

static void random_run(void **state) {
    (void)state;
    random_start();
    memset(model, 0, sizeof model);
    for (int i = 0; i < 4000; i++) {
        if (random_below(6) == 0) {
            random_delete();
        } else {
            random_request();
        }
        if (i % 16 == 0) {
            expect_model();
        }
    }
    expect_model();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(own_metrics_count, fresh),
        cmocka_unit_test_setup(own_names_are_refused_to_requests, fresh),
        cmocka_unit_test_setup(own_series_hit_by_a_request_stay, fresh),
        cmocka_unit_test_setup(own_limits, fresh),
        cmocka_unit_test_setup(deleted_families_are_gone, fresh),
        cmocka_unit_test_setup(a_reply_under_way_loses_what_is_deleted, fresh),
        cmocka_unit_test_setup(full_families, fresh),
        cmocka_unit_test_setup(full_series, fresh),
        cmocka_unit_test_setup(full_text, fresh),
        cmocka_unit_test_setup(rollbacks_leak_nothing, fresh),
        cmocka_unit_test_setup(random_run, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
