/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_event_labels.c: from name and value pairs to an event's canonical labels.
 */
#include "events/event_labels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct slice of(const char *string) {
    return (struct slice){string, (uint32_t)strlen(string)};
}

static bool add(struct event_labels *l, const char *name, const char *value, struct problem *p) {
    return event_labels_add(l, of(name), of(value), p);
}

static void expect_text(const struct event_labels *l, const char *expected) {
    char out[CFG_EVENT_TEXT_BYTES];
    struct slice text = event_labels_text(l, out);
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.bytes, expected, text.len);
}

/* Adding fails with this kind, a line that has `part`, and leaves the labels as they were. */
static void expect_refusal(struct event_labels *l, const char *name, const char *value,
                           enum problem_kind kind, const char *part) {
    struct problem p = {0};
    char line[PROBLEM_LINE_BYTES + 1];
    char before[CFG_EVENT_TEXT_BYTES];
    char after[CFG_EVENT_TEXT_BYTES];
    uint32_t len = event_labels_text(l, before).len;
    assert_false(add(l, name, value, &p));
    assert_int_equal(p.kind, kind);
    memcpy(line, p.line, p.line_len);
    line[p.line_len] = '\0';
    if (strstr(line, part) == NULL) {
        fail_msg("\"%s\" is not in: %s", part, line);
    }
    assert_int_equal(event_labels_text(l, after).len, len);
    assert_memory_equal(before, after, len);
}

static void no_labels_and_value_1(void **state) {
    struct event_labels l;
    (void)state;
    event_labels_init(&l);
    expect_text(&l, "");
    assert_true(l.value == 1.0);
}

static void labels_are_sorted_whatever_the_order(void **state) {
    static const char *const names[] = {"ab", "b", "a", "a_", "Z", "aa", "_x"};
    (void)state;
    for (unsigned first = 0; first < 7; first++) {
        for (unsigned step = 1; step < 7; step++) {
            struct event_labels l;
            struct problem p;
            event_labels_init(&l);
            for (unsigned i = 0; i < 7; i++) {
                assert_true(add(&l, names[(first + i * step) % 7], "v", &p));
            }
            expect_text(&l, "Z=\"v\",_x=\"v\",a=\"v\",a_=\"v\",aa=\"v\",ab=\"v\",b=\"v\"");
        }
    }
}

static void values_are_escaped(void **state) {
    struct event_labels l;
    struct problem p;
    (void)state;
    event_labels_init(&l);
    assert_true(add(&l, "a", "x\\y\"z\nw\tv", &p));
    assert_true(add(&l, "b", "gr\xc3\xbc\xc3\x9f", &p));
    expect_text(&l, "a=\"x\\\\y\\\"z\\nw\tv\",b=\"gr\xc3\xbc\xc3\x9f\"");
    assert_true(event_labels_add(&l, of("c"), (struct slice){"\0", 1}, &p));
    assert_int_equal(l.count, 3);
}

static void blanks_in_names_become_underscores(void **state) {
    struct event_labels l;
    struct problem p;
    (void)state;
    event_labels_init(&l);
    assert_true(add(&l, "what happened\there", "x", &p));
    assert_true(add(&l, " a", "y", &p));
    expect_text(&l, "_a=\"y\",what_happened_here=\"x\"");
    expect_refusal(&l, "what_happened here", "z", PROBLEM_MALFORMED, "given twice");
    expect_refusal(&l, "  a", "z", PROBLEM_MALFORMED, "start with __");
}

static void bad_names_are_refused(void **state) {
    static const char *const bad[] = {"",   "1a",  "a-b", "a.b", "a:b",  "gr\xc3\xbc",
                                      "a=", "a\"", "a\n", "{",   "\x7f", "a\xff"};
    struct event_labels l;
    (void)state;
    event_labels_init(&l);
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        expect_refusal(&l, bad[i], "v", PROBLEM_MALFORMED, "letters, digits and underscores");
        expect_refusal(&l, bad[i], "", PROBLEM_MALFORMED, "letters, digits and underscores");
    }
    expect_refusal(&l, "a-b", "v", PROBLEM_MALFORMED, "label \"a-b\"");
    expect_refusal(&l, "__name__", "v", PROBLEM_MALFORMED, "label \"__name__\"");
    expect_refusal(&l, "__", "v", PROBLEM_MALFORMED, "start with __");
}

static void empty_values_are_absent(void **state) {
    struct event_labels l;
    struct problem p;
    (void)state;
    event_labels_init(&l);
    assert_true(add(&l, "a", "", &p));
    expect_text(&l, "");
    assert_true(add(&l, "a", "1", &p));
    assert_true(add(&l, "a", "", &p));
    expect_text(&l, "a=\"1\"");
}

static void duplicates_and_bad_text_are_refused(void **state) {
    struct event_labels l;
    struct problem p;
    (void)state;
    event_labels_init(&l);
    assert_true(add(&l, "a", "1", &p));
    expect_refusal(&l, "a", "1", PROBLEM_MALFORMED, "label \"a\": given twice");
    expect_refusal(&l, "b", "ab\xffz", PROBLEM_MALFORMED,
                   "label \"b\": byte 3 of its value is not UTF-8");
    expect_text(&l, "a=\"1\"");
}

static void value_is_the_sample(void **state) {
    struct event_labels l;
    struct problem p;
    (void)state;
    event_labels_init(&l);
    expect_refusal(&l, "value", "", PROBLEM_MALFORMED, "value \"\"");
    expect_refusal(&l, "value", "4x", PROBLEM_MALFORMED, "value \"4x\": a number");
    expect_refusal(&l, "value", "0x10", PROBLEM_MALFORMED, "a number");
    assert_true(l.value == 1.0);
    assert_true(add(&l, "value", "42.5", &p));
    assert_true(l.value == 42.5);
    expect_refusal(&l, "value", "1", PROBLEM_MALFORMED, "given twice");
    assert_true(l.value == 42.5);
    assert_true(add(&l, "Value", "x", &p));
    expect_text(&l, "Value=\"x\"");
    /* "?value=+5": the plus sign arrives as a blank. */
    event_labels_init(&l);
    expect_refusal(&l, "value", " ", PROBLEM_MALFORMED, "a number");
    expect_refusal(&l, "value", " -5", PROBLEM_MALFORMED, "a number");
    expect_refusal(&l, "value", "  5", PROBLEM_MALFORMED, "a number");
    assert_true(add(&l, "value", " 5", &p));
    assert_true(l.value == 5.0);
}

static void as_many_labels_as_the_limit(void **state) {
    struct event_labels l;
    struct problem p;
    char name[8];
    (void)state;
    event_labels_init(&l);
    for (unsigned i = 0; i < CFG_LABELS_MAX; i++) {
        (void)snprintf(name, sizeof name, "n%u", CFG_LABELS_MAX - i);
        assert_true(add(&l, name, "v", &p));
    }
    expect_refusal(&l, "one_more", "v", PROBLEM_TOO_LARGE, "label \"one_more\"");
    assert_true(add(&l, "empty", "", &p));
}

/* Fills the text exactly, in every division between two labels, then with one byte more. */
static void as_many_bytes_as_the_limit(void **state) {
    char first[CFG_EVENT_TEXT_BYTES + 1];
    char second[CFG_EVENT_TEXT_BYTES + 1];
    const unsigned fixed = sizeof "a=\"\",b=\"\"" - 1;
    (void)state;
    for (unsigned n = 1; n < CFG_EVENT_TEXT_BYTES - fixed; n++) {
        unsigned rest = CFG_EVENT_TEXT_BYTES - fixed - n;
        struct event_labels l;
        struct problem p;
        char out[CFG_EVENT_TEXT_BYTES];
        memset(first, 'x', n);
        first[n] = '\0';
        memset(second, 'y', rest + 1);
        second[rest + 1] = '\0';
        event_labels_init(&l);
        assert_true(add(&l, "b", first, &p));
        expect_refusal(&l, "a", second, PROBLEM_TOO_LARGE, "label \"a\"");
        second[rest] = '\0';
        assert_true(add(&l, "a", second, &p));
        assert_int_equal(event_labels_text(&l, out).len, CFG_EVENT_TEXT_BYTES);
        expect_refusal(&l, "c", "z", PROBLEM_TOO_LARGE, "128 bytes");
    }
}

static void escapes_count_as_two_bytes(void **state) {
    char value[CFG_EVENT_TEXT_BYTES];
    struct event_labels l;
    struct problem p;
    const unsigned fits = (CFG_EVENT_TEXT_BYTES - 4) / 2;
    (void)state;
    event_labels_init(&l);
    memset(value, '"', sizeof value);
    value[fits + 1] = '\0';
    expect_refusal(&l, "a", value, PROBLEM_TOO_LARGE, "label \"a\"");
    value[fits] = '\0';
    assert_true(add(&l, "a", value, &p));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_labels_and_value_1),
        cmocka_unit_test(labels_are_sorted_whatever_the_order),
        cmocka_unit_test(values_are_escaped),
        cmocka_unit_test(blanks_in_names_become_underscores),
        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(empty_values_are_absent),
        cmocka_unit_test(duplicates_and_bad_text_are_refused),
        cmocka_unit_test(value_is_the_sample),
        cmocka_unit_test(as_many_labels_as_the_limit),
        cmocka_unit_test(as_many_bytes_as_the_limit),
        cmocka_unit_test(escapes_count_as_two_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
