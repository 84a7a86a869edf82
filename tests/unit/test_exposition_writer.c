/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_exposition_writer.c: pages in both formats, cut into pieces of every size, and what happens
 * to them when the registry changes meanwhile.
 */
#include "metrics_fixture.h"

/* ---- OpenMetrics ------------------------------------------------------------------------- */

static void openmetrics_types(void **state) {
    (void)state;
    assert_true(create("# TYPE a_total counter\na_total{x=\"1\"} 1\n"
                       "# TYPE b counter\nb 1\n"
                       "# TYPE c untyped\nc 1\n"
                       "# HELP d say \"hi\"\\n\\\\\n# TYPE d gauge\nd 1\n"
                       "# TYPE e summary\ne{quantile=\"0.5\"} 1\n"
                       "# TYPE _total counter\n_total 1\n"
                       "# TYPE g_total gauge\ng_total 1\n"));
    expect_openmetrics("# TYPE a counter\na_total{x=\"1\"} 1\n"
                       "# TYPE b unknown\nb 1\n"
                       "# TYPE c unknown\nc 1\n"
                       "# HELP d say \\\"hi\\\"\\n\\\\\n# TYPE d gauge\nd 1\n"
                       "# TYPE e summary\ne{quantile=\"0.5\"} 1\n"
                       "# TYPE _total unknown\n_total 1\n"
                       "# TYPE g_total gauge\ng_total 1\n");
}

static void a_counter_whose_short_name_is_taken(void **state) {
    (void)state;
    assert_true(create("# TYPE a_total counter\na_total 1\n"));
    expect_openmetrics("# TYPE a counter\na_total 1\n");
    assert_true(create("# TYPE a gauge\na 2\n"));
    expect_openmetrics("# TYPE a_total unknown\na_total 1\n# TYPE a gauge\na 2\n");
    assert_true(registry_delete(&reg, SLICE("a"), &problem));
    expect_openmetrics("# TYPE a counter\na_total 1\n");
    /* Also when what took it is rolled back. */
    struct registry_txn *txn = begin(REGISTRY_CREATE);
    assert_true(add(txn, "# TYPE a gauge\na 2\n"));
    registry_txn_rollback(&reg, txn);
    expect_openmetrics("# TYPE a counter\na_total 1\n");
    /* a_total_total would be counter a_total, and that name is taken. */
    assert_true(create("# TYPE a_total_total counter\na_total_total 1\n"));
    expect_openmetrics("# TYPE a counter\na_total 1\n"
                       "# TYPE a_total_total unknown\na_total_total 1\n");
}

static void creation_times_stand_with_their_metric(void **state) {
    (void)state;
    assert_true(create("# TYPE a_created gauge\na_created{x=\"1\"} 10\na_created{x=\"2\"} 20\n"));
    expect_openmetrics("# TYPE a_created gauge\na_created{x=\"1\"} 10\na_created{x=\"2\"} 20\n");
    assert_true(create("# TYPE a_total counter\na_total{x=\"2\"} 2\na_total{x=\"3\"} 3\n"
                       "a_total{x=\"1\"} 1\n"));
    expect_openmetrics("# TYPE a counter\na_total{x=\"2\"} 2\na_created{x=\"2\"} 20\n"
                       "a_total{x=\"3\"} 3\na_total{x=\"1\"} 1\na_created{x=\"1\"} 10\n");
    assert_true(create("# TYPE a gauge\na 1\n"));
    expect_openmetrics(
        "# TYPE a_created gauge\na_created{x=\"1\"} 10\na_created{x=\"2\"} 20\n"
        "# TYPE a_total unknown\na_total{x=\"2\"} 2\na_total{x=\"3\"} 3\na_total{x=\"1\"} 1\n"
        "# TYPE a gauge\na 1\n");
    assert_true(registry_delete(&reg, SLICE("a"), &problem));
    assert_true(registry_delete(&reg, SLICE("a_total"), &problem));
    assert_true(create("# TYPE a histogram\na_bucket{x=\"1\",le=\"+Inf\"} 3\n"
                       "a_count{x=\"1\"} 3\na_sum{x=\"1\"} 4\na_count{x=\"2\"} 0\n"));
    expect_openmetrics("# TYPE a histogram\na_bucket{le=\"+Inf\",x=\"1\"} 3\n"
                       "a_count{x=\"1\"} 3\na_created{x=\"1\"} 10\na_sum{x=\"1\"} 4\n"
                       "a_count{x=\"2\"} 0\na_created{x=\"2\"} 20\n");
    assert_true(registry_delete(&reg, SLICE("a_created"), &problem));
    expect_openmetrics("# TYPE a histogram\na_bucket{le=\"+Inf\",x=\"1\"} 3\n"
                       "a_count{x=\"1\"} 3\na_sum{x=\"1\"} 4\na_count{x=\"2\"} 0\n");
}

static void hidden_creation_times_stay_hidden(void **state) {
    (void)state;
    assert_true(create("# TYPE a_total counter\na_total 1\n# TYPE a_created gauge\n"));
    struct registry_txn *txn = begin(REGISTRY_CREATE);
    assert_true(add(txn, "a_created 5\n"));
    expect_openmetrics("# TYPE a counter\na_total 1\n");
    assert_true(registry_txn_commit(&reg, txn, &problem));
    registry_txn_release(&reg, txn);
    expect_openmetrics("# TYPE a counter\na_total 1\na_created 5\n");
}

/* ---- histograms in order ----------------------------------------------------------------- */

static void buckets_come_in_order(void **state) {
    (void)state;
    /* All of one name after all of another, as some exporters print them. */
    assert_true(
        create("# TYPE h histogram\n"
               "h_bucket{p=\"a\",le=\"1\"} 1\nh_bucket{p=\"a\",le=\"+Inf\"} 2\n"
               "h_bucket{p=\"b\",le=\"1\"} 3\nh_bucket{p=\"b\",le=\"+Inf\"} 4\n"
               "h_sum{p=\"a\"} 5\nh_sum{p=\"b\"} 6\nh_count{p=\"a\"} 7\nh_count{p=\"b\"} 8\n"));
    expect_page("# TYPE h histogram\n"
                "h_bucket{le=\"1\",p=\"a\"} 1\nh_bucket{le=\"+Inf\",p=\"a\"} 2\n"
                "h_sum{p=\"a\"} 5\nh_count{p=\"a\"} 7\n"
                "h_bucket{le=\"1\",p=\"b\"} 3\nh_bucket{le=\"+Inf\",p=\"b\"} 4\n"
                "h_sum{p=\"b\"} 6\nh_count{p=\"b\"} 8\n");
    check_registry();
    /* Buckets that come later go where they belong: between, before and behind. */
    assert_true(update("h_bucket{p=\"a\",le=\"5e-1\"} 9\nh_bucket{p=\"b\",le=\"2\"} 10\n"
                       "h_bucket{p=\"a\",le=\"10\"} 11\nh_bucket{p=\"b\",le=\"-Inf\"} 12\n"));
    expect_page("# TYPE h histogram\n"
                "h_bucket{le=\"5e-1\",p=\"a\"} 9\nh_bucket{le=\"1\",p=\"a\"} 1\n"
                "h_bucket{le=\"10\",p=\"a\"} 11\nh_bucket{le=\"+Inf\",p=\"a\"} 2\n"
                "h_sum{p=\"a\"} 5\nh_count{p=\"a\"} 7\n"
                "h_bucket{le=\"-Inf\",p=\"b\"} 12\nh_bucket{le=\"1\",p=\"b\"} 3\n"
                "h_bucket{le=\"2\",p=\"b\"} 10\nh_bucket{le=\"+Inf\",p=\"b\"} 4\n"
                "h_sum{p=\"b\"} 6\nh_count{p=\"b\"} 8\n");
    check_registry();
}

static void buckets_between_other_labels(void **state) {
    (void)state;
    assert_true(create("# TYPE h histogram\n"
                       "h_sum{a=\"}\\\"\",z=\"1\"} 1\nh_count{a=\"}\\\"\",z=\"1\"} 1\n"
                       "h_bucket{a=\"}\\\"\",z=\"1\",le=\"1\"} 1\n"
                       "h_bucket{a=\"}\\\"\",z=\"1\",le=\"+Inf\"} 1\n"
                       "h_bucket{a=\"\",z=\"le=\",le=\"2\"} 1\n"));
    assert_true(update("h_bucket{a=\"}\\\"\",z=\"1\",le=\"0.1\"} 1\nh_sum{a=\"\",z=\"le=\"} 2\n"));
    expect_page("# TYPE h histogram\n"
                "h_sum{a=\"}\\\"\",z=\"1\"} 1\nh_count{a=\"}\\\"\",z=\"1\"} 1\n"
                "h_bucket{a=\"}\\\"\",le=\"0.1\",z=\"1\"} 1\n"
                "h_bucket{a=\"}\\\"\",le=\"1\",z=\"1\"} 1\n"
                "h_bucket{a=\"}\\\"\",le=\"+Inf\",z=\"1\"} 1\n"
                "h_bucket{a=\"\",le=\"2\",z=\"le=\"} 1\nh_sum{a=\"\",z=\"le=\"} 2\n");
    check_registry();
}

static void quantiles_stay_with_their_summary(void **state) {
    (void)state;
    assert_true(create("# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 1\n"));
    assert_true(update("s{quantile=\"0.1\"} 2\n"));
    expect_page("# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 1\n"
                "s{quantile=\"0.1\"} 2\n");
    assert_true(create("# TYPE t summary\nt_sum{l=\"1\"} 1\nt_count{l=\"1\"} 1\nt_sum{l=\"2\"} 1\n"
                       "t_count{l=\"2\"} 1\nt{l=\"1\",quantile=\"0.9\"} 1\n"));
    assert_non_null(
        strstr(page(EXPOSITION_TEXT),
               "t_count{l=\"1\"} 1\nt{l=\"1\",quantile=\"0.9\"} 1\nt_sum{l=\"2\"} 1\n"));
    check_registry();
}

/* ---- pieces ------------------------------------------------------------------------------ */

static const char long_page[] =
    "# HELP a A \"quoted\" help\n# TYPE a histogram\n"
    "a_bucket{le=\"1\",p=\"x\"} 1\na_bucket{le=\"+Inf\",p=\"x\"} 2\na_sum{p=\"x\"} 3\n"
    "a_count{p=\"x\"} 4\n# TYPE a_created gauge\na_created{p=\"x\"} 5\n"
    "# HELP b_total h\n# TYPE b_total counter\nb_total 1\n# TYPE empty gauge\n"
    "# TYPE c untyped\nc{l=\"1\"} 1\nc{l=\"2\"} 1\n";

static void expect_pieces(enum exposition_format format) {
    char *whole = strdup(page(format));
    size_t longest = 0;
    for (const char *line = whole; *line != '\0'; line = strchr(line, '\n') + 1) {
        size_t len = (size_t)(strchr(line, '\n') + 1 - line);
        longest = len > longest ? len : longest;
    }
    for (size_t capacity = longest; capacity <= strlen(whole) + 1; capacity++) {
        char *bytes = malloc(capacity);
        size_t at = 0;
        struct exposition_writer w;
        bool done = false;
        exposition_writer_init(&w, &reg, format);
        while (!done) {
            struct text out = text_over(bytes, (uint32_t)capacity);
            done = exposition_writer_pull(&w, &reg, &out);
            assert_false(out.overflow);
            assert_true(done || out.len > 0);
            assert_true(out.len == 0 || out.bytes[out.len - 1] == '\n');
            assert_memory_equal(bytes, whole + at, out.len);
            at += out.len;
        }
        assert_int_equal(at, strlen(whole));
        free(bytes);
    }
    free(whole);
}

static void pages_in_pieces(void **state) {
    (void)state;
    assert_true(create(long_page));
    expect_page(long_page);
    expect_pieces(EXPOSITION_TEXT);
    expect_pieces(EXPOSITION_OPENMETRICS);
}

static void pieces_append(void **state) {
    char bytes[64];
    struct exposition_writer w;
    (void)state;
    assert_true(create("a 1\n"));
    struct text out = text_over(bytes, sizeof bytes);
    text_puts(&out, "before\n");
    exposition_writer_init(&w, &reg, EXPOSITION_TEXT);
    assert_true(exposition_writer_pull(&w, &reg, &out));
    assert_true(exposition_writer_pull(&w, &reg, &out)); /* nothing more */
    assert_int_equal(out.len, strlen("before\n# TYPE a counter\na 1\n"));
    assert_memory_equal(bytes, "before\n# TYPE a counter\na 1\n", out.len);
}

static void replies_in_pieces(void **state) {
    char bytes[16];
    char all[256] = "";
    (void)state;
    struct registry_txn *txn = begin(REGISTRY_CREATE);
    for (int i = 0; i < CFG_SERIES_MAX - 10; i++) {
        snprintf(all, sizeof all, "a{n=\"%d\"} 1\n", i);
        assert_true(create(all));
    }
    assert_true(add(txn, "a{n=\"0\"} 1\na{n=\"31\"} 1\na{n=\"32\"} 1\na{n=\"53\"} 1\nz 1\n"));
    assert_true(registry_txn_commit(&reg, txn, &problem));
    struct exposition_reply reply;
    exposition_reply_init(&reply, txn);
    all[0] = '\0';
    for (bool done = false; !done;) {
        struct text out = text_over(bytes, sizeof bytes);
        done = exposition_reply_pull(&reply, &reg, &out);
        strncat(all, bytes, out.len);
    }
    assert_string_equal(all, "a{n=\"0\"} 1\na{n=\"31\"} 1\na{n=\"32\"} 1\na{n=\"53\"} 1\nz 1\n");
    registry_txn_release(&reg, txn);
    expect_idle();
}

/* ---- changes meanwhile ------------------------------------------------------------------- */

/* A page of which lines are pulled one at a time. */
struct reading {
    struct exposition_writer w;
    char all[2048];
};

static bool pull_line(struct reading *reading) {
    /* Just the room that one line needs, found by trying. */
    for (uint32_t capacity = 1;; capacity++) {
        char bytes[256];
        struct text out = text_over(bytes, capacity);
        bool done = exposition_writer_pull(&reading->w, &reg, &out);
        if (out.len > 0 || done) {
            strncat(reading->all, bytes, out.len);
            return done;
        }
    }
}

static void start(struct reading *reading, uint32_t lines) {
    reading->all[0] = '\0';
    exposition_writer_init(&reading->w, &reg, EXPOSITION_TEXT);
    while (lines-- > 0) {
        pull_line(reading);
    }
}

static const char *rest(struct reading *reading) {
    while (!pull_line(reading)) {
    }
    return reading->all;
}

#define THREE "a{x=\"1\"} 1\na{x=\"2\"} 2\nb{x=\"1\"} 1\nb{x=\"2\"} 2\nc 1\n"

static void deleted_and_made_anew_meanwhile(void **state) {
    struct reading reading;
    (void)state;
    for (uint32_t lines = 0; lines < 9; lines++) {
        fresh(NULL);
        assert_true(create(THREE));
        start(&reading, lines);
        assert_true(registry_delete(&reg, SLICE("b"), &problem));
        assert_true(create("b{y=\"9\"} 9\nb{y=\"8\"} 8\nd 1\n"));
        const char *all = rest(&reading);
        /* Never a second header of b, and nothing of the new one. */
        const char *header = strstr(all, "# TYPE b counter\n");
        assert_int_equal(header != NULL, lines >= 4);
        assert_null(strstr(all, "y=\""));
        assert_null(strstr(all, "d 1\n"));
        assert_non_null(strstr(all, "# TYPE a counter\na{x=\"1\"} 1\na{x=\"2\"} 2\n"));
        assert_non_null(strstr(all, "# TYPE c counter\nc 1\n"));
    }
}

static void series_added_and_rolled_back_meanwhile(void **state) {
    struct reading reading;
    (void)state;
    for (uint32_t lines = 0; lines < 9; lines++) {
        fresh(NULL);
        assert_true(create(THREE));
        struct registry_txn *txn = begin(REGISTRY_CREATE);
        assert_true(add(txn, "a{x=\"3\"} 3\nb{x=\"3\"} 3\nfresh 1\n"));
        start(&reading, lines);
        registry_txn_rollback(&reg, txn);
        assert_true(create("other{z=\"1\"} 1\nother{z=\"2\"} 1\n"));
        assert_string_equal(
            rest(&reading),
            "# TYPE a counter\na{x=\"1\"} 1\na{x=\"2\"} 2\n"
            "# TYPE b counter\nb{x=\"1\"} 1\nb{x=\"2\"} 2\n# TYPE c counter\nc 1\n");
    }
}

static void series_added_and_changed_meanwhile(void **state) {
    struct reading reading;
    (void)state;
    assert_true(create(THREE));
    start(&reading, 5); /* b{x="1"} is out */
    assert_true(update("a{x=\"3\"} 3\nb{x=\"3\"} 3\nb{x=\"1\"} 1\nb{x=\"2\"} 1000\n"));
    assert_string_equal(rest(&reading),
                        "# TYPE a counter\na{x=\"1\"} 1\na{x=\"2\"} 2\n# TYPE b counter\n"
                        "b{x=\"1\"} 1\nb{x=\"2\"} 1002\nb{x=\"3\"} 3\n# TYPE c counter\nc 1\n");
}

static void the_text_moves_meanwhile(void **state) {
    struct reading reading;
    char filler[CFG_LINE_BYTES];
    (void)state;
    assert_true(create("gap 1\n" THREE));
    assert_true(registry_delete(&reg, SLICE("gap"), &problem));
    start(&reading, 2);
    snprintf(filler, sizeof filler, "z{v=\"%0400d\"} 1\n", 0);
    for (int i = 0; i < 40; i++) {
        assert_true(create(filler));
        assert_true(registry_delete(&reg, SLICE("z"), &problem));
    }
    assert_string_equal(rest(&reading),
                        "# TYPE a counter\na{x=\"1\"} 1\na{x=\"2\"} 2\n# TYPE b counter\n"
                        "b{x=\"1\"} 1\nb{x=\"2\"} 2\n# TYPE c counter\nc 1\n");
}

static void cursors_are_small(void **state) {
    (void)state;
    assert_in_range(sizeof(struct exposition_writer), 1, 32);
    assert_in_range(sizeof(struct exposition_reply), 1, 16);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(openmetrics_types, fresh),
        cmocka_unit_test_setup(a_counter_whose_short_name_is_taken, fresh),
        cmocka_unit_test_setup(creation_times_stand_with_their_metric, fresh),
        cmocka_unit_test_setup(hidden_creation_times_stay_hidden, fresh),
        cmocka_unit_test_setup(buckets_come_in_order, fresh),
        cmocka_unit_test_setup(buckets_between_other_labels, fresh),
        cmocka_unit_test_setup(quantiles_stay_with_their_summary, fresh),
        cmocka_unit_test_setup(pages_in_pieces, fresh),
        cmocka_unit_test_setup(pieces_append, fresh),
        cmocka_unit_test_setup(replies_in_pieces, fresh),
        cmocka_unit_test_setup(deleted_and_made_anew_meanwhile, fresh),
        cmocka_unit_test_setup(series_added_and_rolled_back_meanwhile, fresh),
        cmocka_unit_test_setup(series_added_and_changed_meanwhile, fresh),
        cmocka_unit_test_setup(the_text_moves_meanwhile, fresh),
        cmocka_unit_test_setup(cursors_are_small, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
