/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fuzz_json_verdict.c: libFuzzer, json_parse and json_print against Jansson, which is an independent
 * parser of JSON. The input is the text.
 *
 * Findings, beside what the sanitizers find: a text that only one of the two takes; a layout that
 * says another value than the text, that depends on how much was asked for at a time, or in which
 * something is left that a terminal would obey.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "independent_json.h"
#include "json.h"
#include "json_print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct json json;

/* Lays the text out in pieces of `room` bytes. The caller frees it. */
static char *lay_out(struct slice text, enum json_print_for reader, uint32_t room, size_t *len) {
    struct json_print place = {0};
    char *all = NULL;
    bool done = false;
    *len = 0;
    while (!done) {
        all = realloc(all, *len + room);
        assert_non_null(all);
        struct text out = text_over(all + *len, room);
        done = json_print_pull(&place, text, reader, &out);
        assert_true(!out.overflow && (done || out.len > 0));
        *len += out.len;
    }
    return all;
}

static void check_layout(struct slice text, enum json_print_for reader) {
    size_t len;
    size_t other_len;
    char *all = lay_out(text, reader, 65536, &len);
    char *other = lay_out(text, reader, JSON_PRINT_STEP_BYTES, &other_len);
    assert_int_equal(len, other_len);
    assert_memory_equal(all, other, len);
    assert_int_equal(all[len - 1], '\n');
    assert_true(independent_json_equal(text.bytes, text.len, all, len));
    for (size_t i = 0; reader == JSON_PRINT_TERMINAL && i < len; i++) {
        assert_true(all[i] == '\n' ||
                    text_control_bytes((struct slice){all + i, (uint32_t)(len - i)}) == 0);
    }
    free(all);
    free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct problem problem = {0};
    /* A copy of its own, so that a look past its end is seen. */
    char *bytes = malloc(size > 0 ? size : 1);
    assert_non_null(bytes);
    memcpy(bytes, data, size);
    const struct slice text = {bytes, (uint32_t)size};
    const bool taken = json_parse(&json, text, &problem);
    const enum independent_verdict verdict = independent_json_verdict(bytes, size);
    if (!taken) {
        assert_true(verdict != INDEPENDENT_TAKES || problem.kind == PROBLEM_TOO_LARGE);
        assert_in_range(problem.line_len, 1, PROBLEM_LINE_BYTES);
    } else if (verdict != INDEPENDENT_CANNOT_SAY) {
        assert_int_equal(verdict, INDEPENDENT_TAKES);
        check_layout(text, JSON_PRINT_PLAIN);
        check_layout(text, JSON_PRINT_TERMINAL);
    }
    free(bytes);
    return 0;
}
