/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_exposition_reader.c: bodies in the text format and in OpenMetrics, right and wrong, cut up
 * in every way.
 */
#include "metrics_fixture.h"

/* ---- what is read ------------------------------------------------------------------------ */

static void lines_as_the_text_format_allows_them(void **state) {
    (void)state;
    assert_true(create("\n \t\n"
                       "# a comment\n#\n# \n#another\n"
                       "  plain   1   \n"
                       "\ttabs\t2\t1395066363000\n"
                       "a{} 3\n"
                       "b { } 4\n"
                       "c{y=\"2\",x=\"1\",} 5 -7\n"
                       "d { z = \"3\" , y = \"\" , } 6\n"
                       "e{x=\"}{,= #\"}7\n"
                       "f{x=\"a\\\\b\\\"c\\nd\"} 8\n"
                       "g{x=\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\r\t\"} 9\n"
                       "last 10"));
    expect_page("# TYPE plain counter\nplain 1\n"
                "# TYPE tabs counter\ntabs 2\n"
                "# TYPE a counter\na 3\n"
                "# TYPE b counter\nb 4\n"
                "# TYPE c counter\nc{x=\"1\",y=\"2\"} 5\n"
                "# TYPE d counter\nd{y=\"\",z=\"3\"} 6\n"
                "# TYPE e counter\ne{x=\"}{,= #\"} 7\n"
                "# TYPE f counter\nf{x=\"a\\\\b\\\"c\\nd\"} 8\n"
                "# TYPE g counter\ng{x=\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\r\t\"} 9\n"
                "# TYPE last counter\nlast 10\n");
    expect_idle();
}

static void values_as_prometheus_spells_them(void **state) {
    (void)state;
    assert_true(create("v{n=\"1\"} NaN\nv{n=\"2\"} +Inf\nv{n=\"3\"} -inf\nv{n=\"4\"} 1e3\n"
                       "v{n=\"5\"} 1.50E-10\nv{n=\"6\"} -0\nv{n=\"7\"} +5\nv{n=\"8\"} .5\n"
                       "v{n=\"9\"} 12345678901234567890\n"));
    expect_page("# TYPE v counter\nv{n=\"1\"} NaN\nv{n=\"2\"} +Inf\nv{n=\"3\"} -Inf\n"
                "v{n=\"4\"} 1000\nv{n=\"5\"} 1.5e-10\nv{n=\"6\"} -0\nv{n=\"7\"} 5\n"
                "v{n=\"8\"} 0.5\nv{n=\"9\"} 12345678901234567000\n");
}

static void backslashes_that_begin_no_escape(void **state) {
    (void)state;
    assert_true(create("# HELP a \\d+ \\\" \\\\ \\n \\\n"
                       "a{x=\"\\d\\.\\\\d\"} 1\n"
                       "b{x=\"\\\\d\"} 1\n"
                       "b{x=\"\\t\"} 2\n"));
    expect_page("# HELP a \\\\d+ \" \\\\ \\n \\\\\n# TYPE a counter\n"
                "a{x=\"\\\\d\\\\.\\\\d\"} 1\n"
                "# TYPE b counter\nb{x=\"\\\\d\"} 1\nb{x=\"\\\\t\"} 2\n");
    assert_false(create("b{x=\"\\u\"} 1\nb{x=\"\\\\u\"} 1\n")); /* the same value */
    assert_int_equal(problem.kind, PROBLEM_MALFORMED);
}

static void help_and_type_lines(void **state) {
    (void)state;
    assert_true(create("#HELP a  the   help \n"
                       "#\t TYPE\ta\tgauge \n"
                       "a 1\n"
                       "# TYPE b summary\n"
                       "# HELP b\n"
                       "# HELP  c \n"
                       "# HELP\n# TYPE\n# TYPE d\n# HELPER d x\n"
                       "# TYPE e untyped\n# HELP e after\n"));
    expect_page("# HELP a the   help \n# TYPE a gauge\na 1\n"
                "# TYPE b summary\n# TYPE c counter\n# HELP e after\n# TYPE e untyped\n");
    expect_idle();
}

static void families_may_be_interleaved(void **state) {
    (void)state;
    assert_true(create("# TYPE a gauge\n# TYPE b counter\na{x=\"1\"} 1\nb 1\na{x=\"2\"} 2\n"));
    expect_page("# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 2\n# TYPE b counter\nb 1\n");
}

/* ---- OpenMetrics ------------------------------------------------------------------------- */

static void openmetrics_becomes_what_the_text_format_shows(void **state) {
    (void)state;
    assert_true(create("# HELP req Requests\n# TYPE req counter\n# UNIT req bananas\n"
                       "req_total{a=\"1\"} 3.0 1520879607.789 # {trace=\"x # } 1\"} 0.67 1.5\n"
                       "req_created{a=\"1\"} 1520430000.123\n"
                       "# TYPE lat histogram\n"
                       "lat_bucket{le=\"1.0\"} 1 # {} 0.5\n"
                       "lat_bucket{le=\"+Inf\"} 2\n"
                       "lat_count 2\nlat_sum 3.5\nlat_created 1\n"
                       "# TYPE sz summary\nsz{quantile=\"0.5\"} 1\nsz_count 1\nsz_sum 1\n"
                       "sz_created 5\n"
                       "# TYPE build info\nbuild_info{v=\"1\"} 1\n"
                       "# TYPE st stateset\nst{st=\"on\"} 1\nst{st=\"off\"} 0\n"
                       "# TYPE gh gaugehistogram\ngh_bucket{le=\"+Inf\"} 6\ngh_gcount 6\n"
                       "gh_gsum 7\n"
                       "# TYPE u unknown\nu 1\n"
                       "# EOF\n"));
    expect_page("# HELP req_total Requests\n# TYPE req_total counter\nreq_total{a=\"1\"} 3\n"
                "# HELP req_created Requests\n# TYPE req_created gauge\n"
                "req_created{a=\"1\"} 1520430000.123\n"
                "# TYPE lat histogram\nlat_bucket{le=\"1.0\"} 1\nlat_bucket{le=\"+Inf\"} 2\n"
                "lat_count 2\nlat_sum 3.5\n"
                "# TYPE lat_created gauge\nlat_created 1\n"
                "# TYPE sz summary\nsz{quantile=\"0.5\"} 1\nsz_count 1\nsz_sum 1\n"
                "# TYPE sz_created gauge\nsz_created 5\n"
                "# TYPE build_info gauge\nbuild_info{v=\"1\"} 1\n"
                "# TYPE st gauge\nst{st=\"on\"} 1\nst{st=\"off\"} 0\n"
                "# TYPE gh histogram\ngh_bucket{le=\"+Inf\"} 6\n"
                "# TYPE gh_gcount gauge\ngh_gcount 6\n# TYPE gh_gsum gauge\ngh_gsum 7\n"
                "# TYPE u untyped\nu 1\n");
    expect_idle();
}

static void a_page_read_in_both_formats_is_the_same(void **state) {
    (void)state;
    assert_true(create("# HELP a Help\n# TYPE a counter\na_total 1\na_created 2\n# EOF\n"));
    char *before = strdup(page(EXPOSITION_TEXT));
    assert_true(create("# HELP a_total Help\n# TYPE a_total counter\na_total 1\n"
                       "# HELP a_created Help\n# TYPE a_created gauge\na_created 2\n"));
    expect_page(before);
    assert_true(create("# HELP a Help\n# TYPE a counter\na_total 1\na_created 2\n# EOF\n"));
    expect_page(before);
    free(before);
    expect_idle();
}

/* Go's own metrics: go_memstats_alloc_bytes is a gauge, and a counter with _total. */
static void a_gauge_and_a_counter_declared_alike(void **state) {
    (void)state;
    assert_true(create("# HELP a The gauge.\n# TYPE a gauge\na 1\n"
                       "# HELP a The counter.\n# TYPE a counter\na_total 2\n# EOF\n"));
    expect_page("# HELP a The gauge.\n# TYPE a gauge\na 1\n"
                "# HELP a_total The counter.\n# TYPE a_total counter\na_total 2\n");
    expect_openmetrics("# HELP a The gauge.\n# TYPE a gauge\na 1\n"
                       "# HELP a_total The counter.\n# TYPE a_total unknown\na_total 2\n");
    assert_true(create("# TYPE a gauge\na 1\nb 1\n# TYPE a counter\na_total 2\n"));
    expect_idle();
}

static void a_counter_of_the_text_format_beside_its_total(void **state) {
    (void)state;
    assert_true(create("# TYPE a counter\na 1\na_total 2\n"));
    expect_page("# TYPE a counter\na 1\n# TYPE a_total counter\na_total 2\n");
}

/* ---- what is refused --------------------------------------------------------------------- */

struct refusal {
    const char *body;
    const char *line;
};

static void expect_refusals(const struct refusal *refusals, uint32_t count,
                            enum problem_kind kind) {
    for (uint32_t i = 0; i < count; i++) {
        bool ok = create(refusals[i].body);
        assert_false(ok);
        expect_problem(kind, refusals[i].line);
        expect_page("");
        expect_idle();
    }
}

static void broken_lines(void **state) {
    static const struct refusal refusals[] = {
        {"a 1\r\n", "line 1: byte 4: expected lines that end in LF, this one ends in CR LF"},
        {"# c\r\na 1\n", "line 1: byte 4: expected lines that end in LF, this one ends in CR LF"},
        {"a\n", "line 1: byte 2: expected a value after the name"},
        {"a", "line 1: byte 2: expected a value after the name"},
        {"a \n", "line 1: byte 3: expected a number as the value"},
        {"a x\n", "line 1: byte 3: expected a number as the value, not \"x\""},
        {"a 0x10\n", "line 1: byte 3: expected a number as the value, not \"0x10\""},
        {"a 1_000\n", "line 1: byte 3: expected a number as the value, not \"1_000\""},
        {"a 1e999\n", "line 1: byte 3: expected a number as the value, not \"1e999\""},
        {"a 1 x\n", "line 1: byte 5: expected a timestamp or the end of the line (curl -d @file "
                    "joins lines, --data-binary keeps them)"},
        {"a 1 NaN\n", "line 1: byte 5: expected a timestamp or the end of the line (curl -d @file "
                      "joins lines, --data-binary keeps them)"},
        {"a 1 2 3\n", "line 1: byte 7: expected the end of the line (curl -d @file joins lines, "
                      "--data-binary keeps them)"},
        {"a 1 # 2\n", "line 1: byte 7: expected an exemplar's labels in braces after '#'"},
        {"ok 1\n{x=\"1\"} 1\n", "line 2: byte 1: expected a metric name"},
        {"a-b 1\n", "line 1: \"a-b\": a metric name is [a-zA-Z_:][a-zA-Z0-9_:]*"},
        {"\xc3\xa9 1\n", "line 1: \"\xc3\xa9\": a metric name is [a-zA-Z_:][a-zA-Z0-9_:]*"},
        {"a\"b 1\n", "line 1: \"a\"b\": a metric name is [a-zA-Z_:][a-zA-Z0-9_:]*"},
        {"a{x=\"1\"\n", "line 1: byte 8: expected ',' or '}' after the label"},
        {"a{x=\"1\" y=\"2\"} 1\n", "line 1: byte 9: expected ',' or '}' after the label"},
        {"a{x=\"1\",,y=\"2\"} 1\n", "line 1: byte 9: expected a label name"},
        {"a{,x=\"1\"} 1\n", "line 1: byte 3: expected a label name"},
        {"a{=\"1\"} 1\n", "line 1: byte 3: expected a label name"},
        {"a{x} 1\n", "line 1: byte 4: expected '=' after the label name"},
        {"a{x 1}\n", "line 1: byte 5: expected '=' after the label name"},
        {"a{x=1} 1\n", "line 1: byte 5: expected a label value in double quotes"},
        {"a{x=\n", "line 1: byte 5: expected a label value in double quotes"},
        {"a{x='1'} 1\n", "line 1: byte 5: expected a label value in double quotes"},
        {"a{x=\"1} 1\n",
         "line 1: byte 5: expected a closing quote for the label value that starts here"},
        {"a{x=\"1\\\"} 1\n",
         "line 1: byte 5: expected a closing quote for the label value that starts here"},
        {"a{x=\"1\\\n\"} 1\n",
         "line 1: byte 5: expected a closing quote for the label value that starts here"},
        {"a{x=\"1\"}\n", "line 1: byte 9: expected a number as the value"},
        {"a{x-y=\"1\"} 1\n", "line 1: label \"x-y\": a label name is [a-zA-Z_][a-zA-Z0-9_]*"},
        {"a{x:y=\"1\"} 1\n", "line 1: label \"x:y\": a label name is [a-zA-Z_][a-zA-Z0-9_]*"},
        {"a{1=\"1\"} 1\n", "line 1: label \"1\": a label name is [a-zA-Z_][a-zA-Z0-9_]*"},
        {"a{__name__=\"1\"} 1\n",
         "line 1: label \"__name__\": names that start with __ are Prometheus's own, choose another"},
        {"a{x=\"1\",y=\"2\",x=\"3\"} 1\n", "line 1: label \"x\": twice in one sample"},
        {"ok 1\na{x=\"12\xff\"} 1\n", "line 2: label \"x\": byte 3 of its value is not UTF-8"},
        {"a{x=\"\xed\xa0\x80\"} 1\n", "line 1: label \"x\": byte 1 of its value is not UTF-8"},
        {"# HELP a b\xc0\x80\n", "line 1: \"a\": byte 2 of its help is not UTF-8"},
        {"# HELP 1a b\n", "line 1: \"1a\": a metric name is [a-zA-Z_:][a-zA-Z0-9_:]*"},
        {"# TYPE a{} counter\n", "line 1: \"a{}\": a metric name is [a-zA-Z_:][a-zA-Z0-9_:]*"},
        {"# TYPE a Counter\n", "line 1: byte 10: \"Counter\" is no type: counter, gauge, "
                               "histogram, summary or untyped"},
        {"# TYPE a counter x\n", "line 1: byte 10: \"counter x\" is no type: counter, gauge, "
                                 "histogram, summary or untyped"},
    };
    (void)state;
    expect_refusals(refusals, sizeof refusals / sizeof refusals[0], PROBLEM_MALFORMED);
}

static void help_and_type_out_of_order(void **state) {
#define ORDER "\"a\": HELP and TYPE may come once for a family, before its samples"
    static const struct refusal refusals[] = {
        {"# TYPE a gauge\n# TYPE a gauge\n", "line 2: " ORDER},
        {"# HELP a x\n# HELP a x\n", "line 2: " ORDER},
        {"# TYPE a gauge\na 1\n# TYPE a gauge\n", "line 3: " ORDER},
        {"# TYPE a gauge\na 1\n# HELP a x\na 2\n", "line 4: " ORDER},
        {"# TYPE a gauge\na 1\n# HELP a x\n# TYPE a gauge\n", "line 4: " ORDER},
        {"# TYPE a gauge\na 1\n# HELP a x\nb 2\n# HELP b x\n", "line 5: " ORDER},
        {"# TYPE a gauge\na 1\n# HELP a x\n", ORDER},
        {"a 1\n# TYPE a counter\na 2\n", "line 3: " ORDER},
        {"a 1\nb 1\n# TYPE a gauge\n", "line 3: " ORDER},
        {"# TYPE a histogram\na_sum 1\nb 1\n# TYPE a histogram\n", "line 4: " ORDER},
        {"# TYPE a gauge\n# TYPE b gauge\n# TYPE a gauge\n", "line 3: " ORDER},
    };
    (void)state;
    expect_refusals(refusals, sizeof refusals / sizeof refusals[0], PROBLEM_MALFORMED);
}

static void nul_bytes(void **state) {
    static const char body[] = "a{x=\"1\0002\"} 1\n";
    struct exposition_reader reader;
    uint32_t consumed;
    (void)state;
    struct registry_txn *txn = begin(REGISTRY_CREATE);
    exposition_reader_init(&reader, &reg, txn);
    assert_false(
        exposition_reader_feed(&reader, body, (uint32_t)sizeof body - 1, &consumed, &problem));
    expect_problem(PROBLEM_MALFORMED,
                   "line 1: label \"x\": byte 2 of its value is NUL, which no scraper reads");
    registry_txn_rollback(&reg, txn);
    expect_idle();
}

static void too_many_labels(void **state) {
    char body[256] = "a{";
    (void)state;
    for (int i = 0; i < CFG_LABELS_MAX; i++) {
        snprintf(body + strlen(body), sizeof body - strlen(body), "l%d=\"\",", i);
    }
    size_t len = strlen(body);
    strcpy(body + len, "} 1\n");
    assert_true(create(body));
    strcpy(body + len, "more=\"\"} 1\n");
    assert_false(create(body));
    expect_problem(PROBLEM_TOO_LARGE, "line 1: label \"more\": one too many, a sample may have 8");
    expect_idle();
}

/* A comment of `len` bytes, line feed included, then a sample; fed whole or in two. */
static bool long_line(uint32_t len, uint32_t cut) {
    char body[2 * CFG_LINE_BYTES];
    struct exposition_reader reader;
    uint32_t consumed;
    memset(body, '#', len);
    memcpy(body + len - 1, "\na 1\n", 5);
    uint32_t n = len + 4;
    cut = cut < n ? cut : n;
    struct registry_txn *txn = begin(REGISTRY_CREATE);
    exposition_reader_init(&reader, &reg, txn);
    bool ok = exposition_reader_feed(&reader, body, cut, &consumed, &problem) &&
              exposition_reader_feed(&reader, body + consumed, n - consumed, &consumed, &problem) &&
              registry_txn_commit(&reg, txn, &problem);
    registry_txn_end(&reg, txn);
    return ok;
}

static void long_lines(void **state) {
    (void)state;
    for (uint32_t cut = 0; cut < CFG_LINE_BYTES + 6; cut++) {
        assert_true(long_line(CFG_LINE_BYTES, cut));
        assert_false(long_line(CFG_LINE_BYTES + 1, cut));
        expect_problem(PROBLEM_TOO_LARGE,
                       "line 1: longer than a line may be, 512 bytes (curl -d @file joins lines, "
                       "--data-binary keeps them)");
    }
    expect_idle();
}

/* ---- every split ------------------------------------------------------------------------- */

/* Feeds a body in pieces of `first` and then `step` bytes, as a connection would. */
static bool create_in_pieces(const char *body, uint32_t first, uint32_t step) {
    struct exposition_reader reader;
    uint32_t n = (uint32_t)strlen(body);
    uint32_t at = 0;
    uint32_t end = first < n ? first : n;
    bool ok = true;
    problem = (struct problem){0};
    struct registry_txn *txn = begin(REGISTRY_CREATE);
    exposition_reader_init(&reader, &reg, txn);
    for (;;) {
        uint32_t consumed = UINT32_MAX;
        /* A copy of its own, so that a look past the end is seen. */
        char *piece = malloc(end - at + 1);
        memcpy(piece, body + at, end - at);
        ok = exposition_reader_feed(&reader, piece, end - at, &consumed, &problem);
        free(piece);
        if (!ok || end == n) {
            at += ok ? consumed : 0;
            break;
        }
        at += consumed;
        end = end + step < n ? end + step : n;
    }
    ok = ok && exposition_reader_finish(&reader, body + at, n - at, &problem) &&
         registry_txn_commit(&reg, txn, &problem);
    registry_txn_end(&reg, txn);
    return ok;
}

static void expect_same_in_pieces(const char *body) {
    fresh(NULL);
    bool whole = create(body);
    struct problem first = problem;
    char *expected = strdup(page(EXPOSITION_TEXT));
    uint32_t n = (uint32_t)strlen(body);
    for (uint32_t cut = 0; cut <= n; cut++) {
        fresh(NULL);
        assert_int_equal(create_in_pieces(body, cut, n), whole);
        expect_page(expected);
        assert_int_equal(problem.line_len, first.line_len);
        assert_memory_equal(problem.line, first.line, first.line_len);
        assert_int_equal(problem.kind, first.kind);
    }
    for (uint32_t step = 1; step < 9; step++) {
        fresh(NULL);
        assert_int_equal(create_in_pieces(body, step, step), whole);
        expect_page(expected);
        assert_memory_equal(problem.line, first.line, first.line_len);
    }
    expect_idle();
    free(expected);
}

static void every_split(void **state) {
    (void)state;
    expect_same_in_pieces("# HELP a Some \\\\ help\n# TYPE a histogram\na_bucket{le=\"1\"} 1\n"
                          "a_bucket{le=\"+Inf\"} 2 123\na_sum{} 3\n\na_count 2\n# TYPE b counter\n"
                          "b_total{x=\"\\\"\xc3\xa9\"} 3e5 # {a=\"b\"} 1 2\nlast{x=\"1\",} NaN");
    expect_same_in_pieces("a{x=\"1\"} 1\n# TYPE g gauge\n");
    expect_same_in_pieces("\n\n\n");
    expect_same_in_pieces("");
    expect_same_in_pieces("a 1\nb{x=\"\xc3");
    expect_same_in_pieces("a 1\nb{x=\"1\"} 2\r\nc 3");
    expect_same_in_pieces("a 1\nb{x=\"1\"} 2\nc 3 4 5\nd 1\n");
    expect_same_in_pieces("a 1\n# TYPE b gauge\nb 1\n# TYPE b gauge\n");
}

/* Cut short after any byte, a body is taken as far as it makes sense, or nothing of it is. */
static void every_prefix(void **state) {
    static const char body[] = "# TYPE a gauge\na{x=\"1\",y=\"2\"} 12 34\nb 5\n";
    char prefix[sizeof body];
    (void)state;
    for (size_t n = 0; n < sizeof body; n++) {
        fresh(NULL);
        memcpy(prefix, body, n);
        prefix[n] = '\0';
        if (!create(prefix)) {
            assert_int_equal(problem.kind, PROBLEM_MALFORMED);
            expect_page("");
        }
        expect_idle();
    }
}

static void no_byte_breaks_it(void **state) {
    static const char body[] =
        "# HELP a h\n# TYPE a gauge\na{x=\"1\",y=\"\\n\"} 12 34 # {b=\"c\"} 1\n";
    char changed[sizeof body];
    (void)state;
    for (size_t at = 0; at < sizeof body - 1; at++) {
        for (int byte = 1; byte < 256; byte++) {
            fresh(NULL);
            memcpy(changed, body, sizeof body);
            changed[at] = (char)byte;
            if (!create(changed)) {
                expect_page("");
                assert_in_range(problem.line_len, 1, PROBLEM_LINE_BYTES);
                assert_int_equal(slice_utf8_error((struct slice){problem.line, problem.line_len}),
                                 problem.line_len);
            }
            expect_idle();
        }
    }
}

static void it_is_small(void **state) {
    (void)state;
    assert_in_range(sizeof(struct exposition_reader), 1, 96);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lines_as_the_text_format_allows_them, fresh),
        cmocka_unit_test_setup(values_as_prometheus_spells_them, fresh),
        cmocka_unit_test_setup(backslashes_that_begin_no_escape, fresh),
        cmocka_unit_test_setup(help_and_type_lines, fresh),
        cmocka_unit_test_setup(families_may_be_interleaved, fresh),
        cmocka_unit_test_setup(openmetrics_becomes_what_the_text_format_shows, fresh),
        cmocka_unit_test_setup(a_page_read_in_both_formats_is_the_same, fresh),
        cmocka_unit_test_setup(a_gauge_and_a_counter_declared_alike, fresh),
        cmocka_unit_test_setup(a_counter_of_the_text_format_beside_its_total, fresh),
        cmocka_unit_test_setup(broken_lines, fresh),
        cmocka_unit_test_setup(help_and_type_out_of_order, fresh),
        cmocka_unit_test_setup(nul_bytes, fresh),
        cmocka_unit_test_setup(too_many_labels, fresh),
        cmocka_unit_test_setup(long_lines, fresh),
        cmocka_unit_test_setup(every_split, fresh),
        cmocka_unit_test_setup(every_prefix, fresh),
        cmocka_unit_test_setup(no_byte_breaks_it, fresh),
        cmocka_unit_test_setup(it_is_small, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
