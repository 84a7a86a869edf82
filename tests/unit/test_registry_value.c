/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_registry_value.c: values whose text is kept and those whose text has no room, and what a
 * transaction stages in its place.
 */
#include "metrics_fixture.h"

/* Texts of 1 to 25 bytes. */
static const char *const texts[] = {
    "0",
    "-1",
    "NaN",
    "+Inf",
    "12345",
    "1e-300",
    "1234.56",
    "12345.67",
    "-12345.67",
    "1234567.89",
    "12345678.91",
    "123456789012",
    "-0.0123456789",
    "1763862894.123",
    "0.0012345678901",
    "1.234567890123456",
    "12345.678901234567",
    "0.0000012345678901",
    "-1.7976931348623157e+308",
    "-0.0000012345678901234567",
};

static double value_of_text(const char *text) {
    double value;
    assert_true(number_parse(of(text), &value));
    return value;
}

static void set(const char *text) {
    char body[64];
    snprintf(body, sizeof body, "g{l=\"1\"} %s\n", text);
    assert_true(update(body));
}

/* The page shows the value, and its text is kept where it has room. */
static void shows_value(const char *text) {
    char number[NUMBER_TEXT_BYTES];
    char expected[128];
    int len = (int)number_format(number, value_of_text(text));
    const struct registry_series *s = &on->series[on->families[0].first_series];
    snprintf(expected, sizeof expected, "# TYPE g gauge\ng{l=\"1\"} %.*s\n", len, number);
    expect_page(expected);
    assert_int_equal(s->form, len <= CFG_REGISTRY_VALUE_BYTES ? len : (int)REGISTRY_FORM_LONG);
    check_registry();
}

static void texts_of_any_length(void **state) {
    uint32_t kept_count = 0;
    uint32_t long_count = 0;
    (void)state;
    assert_true(create("# TYPE g gauge\ng{l=\"1\"} 1\n"));
    for (uint32_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        for (uint32_t j = 0; j < sizeof texts / sizeof texts[0]; j++) {
            set(texts[i]);
            shows_value(texts[i]);
            set(texts[j]);
            shows_value(texts[j]);
        }
        set(texts[i]);
        bool kept = on->series[on->families[0].first_series].form <= CFG_REGISTRY_VALUE_BYTES;
        kept_count += kept;
        long_count += !kept;
    }
    assert_true(kept_count > 0 && long_count > 0);
}

/* What was sent is made text only when it is committed. */
static void what_is_staged_is_not_seen(void **state) {
    static const char *const before[] = {"7", "1763862894.123"};
    static const char *const after[] = {"8", "-1.7976931348623157e+308"};
    (void)state;
    assert_true(create("# TYPE g gauge\ng{l=\"1\"} 1\n"));
    for (uint32_t i = 0; i < 4; i++) {
        char body[64];
        char old_page[128];
        set(before[i / 2]);
        strcpy(old_page, page(EXPOSITION_TEXT));
        snprintf(body, sizeof body, "g{l=\"1\"} %s\n", after[i % 2]);
        struct registry_txn *txn = begin(REGISTRY_UPDATE);
        assert_true(add(txn, body));
        expect_page(old_page);
        check_registry();
        registry_txn_rollback(on, txn);
        expect_idle();
        shows_value(before[i / 2]);
        txn = begin(REGISTRY_UPDATE);
        assert_true(add(txn, body));
        expect_page(old_page);
        assert_true(registry_txn_commit(on, txn, &problem));
        registry_txn_release(on, txn);
        expect_idle();
        shows_value(after[i % 2]);
    }
}

/* A series that is new in the same request adds up in the same place. */
static void what_is_fresh_adds_up(void **state) {
    (void)state;
    assert_true(create("c{l=\"1\"} 1\n"));
    struct registry_txn *txn = begin(REGISTRY_UPDATE);
    assert_true(add(txn, "c{l=\"2\"} 0.1\nc{l=\"1\"} 1\nc{l=\"2\"} 0.2\n"));
    expect_page("# TYPE c counter\nc{l=\"1\"} 1\n");
    check_registry();
    assert_true(registry_txn_commit(on, txn, &problem));
    expect_reply(txn, "c{l=\"1\"} 2\nc{l=\"2\"} 0.30000000000000004\n");
    registry_txn_release(on, txn);
    expect_idle();
}

/* No update needs room that may not be there. */
static void a_full_registry_is_updated(void **state) {
    char body[CFG_LINE_BYTES];
    uint32_t count = 0;
    (void)state;
    do {
        snprintf(body, sizeof body, "c{l=\"%0200u\"} 1\n", count);
    } while (create(body) && ++count < CFG_SERIES_MAX);
    assert_int_equal(problem.kind, PROBLEM_FULL);
    struct registry_txn *txn = begin(REGISTRY_UPDATE);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(body, sizeof body, "c{l=\"%0200u\"} 0.123456789012345\n", i);
        assert_true(add(txn, body));
    }
    check_registry();
    assert_true(registry_txn_commit(on, txn, &problem));
    registry_txn_release(on, txn);
    expect_idle();
    const char *shown = page(EXPOSITION_TEXT);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(body, sizeof body, "\nc{l=\"%0200u\"} 1.123456789012345\n", i);
        assert_non_null(strstr(shown, body));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(texts_of_any_length, fresh),
        cmocka_unit_test_setup(what_is_staged_is_not_seen, fresh),
        cmocka_unit_test_setup(what_is_fresh_adds_up, fresh),
        cmocka_unit_test_setup(a_full_registry_is_updated, fresh),
    };
    return cmocka_run_group_tests_name("registry_value", tests, NULL, NULL);
}
