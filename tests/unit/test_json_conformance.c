/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_json_conformance.c: json_parse over the conformance set, as each text is and as a part of
 * larger ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "json.h"
#include "json_cases.h"

static struct json json;
static struct problem problem;

static bool is_json(const char *bytes, size_t len) {
    /* A copy of its own, so that a look past its end is seen. */
    char *text = malloc(len > 0 ? len : 1);
    assert_non_null(text);
    memcpy(text, bytes, len);
    problem = (struct problem){0};
    const bool ok = json_parse(&json, (struct slice){text, (uint32_t)len}, &problem);
    free(text);
    return ok;
}

static void expect(const char *bytes, size_t len, bool right) {
    if (is_json(bytes, len) != right) {
        fail_msg("%s (%zu bytes) should be %s: %.*s", bytes, len, right ? "taken" : "refused",
                 (int)problem.line_len, problem.line);
    }
    if (!right) {
        assert_int_equal(problem.kind, PROBLEM_MALFORMED);
        assert_memory_equal(problem.line, "byte ", 5);
        assert_non_null(memchr(problem.line, ':', problem.line_len));
        const long byte = strtol(problem.line + 5, NULL, 10);
        assert_in_range(byte, 1, len + 1);
        assert_memory_equal(strchr(problem.line, ':'), ": expected ", 11);
    }
}

static void as_they_are(void **state) {
    size_t right = 0;
    (void)state;
    for (size_t i = 0; i < JSON_CASES_COUNT; i++) {
        expect(json_cases[i].text, json_cases[i].len, json_cases[i].right);
        right += json_cases[i].right;
    }
    assert_true(right > 80 && JSON_CASES_COUNT - right > 200);
}

/* What is a text is also an element, and what is none is none there either, unless it is so only as
 * the whole of a text: one that is empty or too long by a part. */
static void as_parts(void **state) {
    static const char *const around[][2] = {{"[", "]"}, {"{\"a\":", "}"}, {"[0,", ",0]"}};
    char text[128];
    (void)state;
    for (size_t i = 0; i < JSON_CASES_COUNT; i++) {
        const struct json_case *c = &json_cases[i];
        for (size_t k = 0; c->right && k < sizeof around / sizeof around[0]; k++) {
            const size_t before = strlen(around[k][0]);
            memcpy(text, around[k][0], before);
            memcpy(text + before, c->text, c->len);
            memcpy(text + before + c->len, around[k][1], strlen(around[k][1]));
            expect(text, before + c->len + strlen(around[k][1]), true);
        }
    }
}

/* Of a text that is an object, an array or a string no beginning is one. */
static void no_beginning(void **state) {
    (void)state;
    for (size_t i = 0; i < JSON_CASES_COUNT; i++) {
        const struct json_case *c = &json_cases[i];
        if (c->right && memchr("[{\"", c->text[0], 3) != NULL) {
            for (size_t len = 0; len < c->len; len++) {
                if (c->text[len] != '\n' && c->text[len] != ' ' && c->text[len] != '\r' &&
                    c->text[len] != '\t') {
                    expect(c->text, len, false);
                }
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_they_are),
        cmocka_unit_test(as_parts),
        cmocka_unit_test(no_beginning),
    };
    return cmocka_run_group_tests_name("json_conformance", tests, NULL, NULL);
}
