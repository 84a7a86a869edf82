/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_json_print.c: the layout of JSON, whole and in pieces of every size, and what a terminal is
 * shown of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "json.h"
#include "json_print.h"

#define OUT_BYTES 4096

static char printed[OUT_BYTES];
static uint32_t printed_bytes;

/* Prints a text `room` bytes at a time; every call gets on. */
static void print_in(struct slice text, enum json_print_for reader, uint32_t room) {
    struct json_print place = {0};
    bool done = false;
    printed_bytes = 0;
    while (!done) {
        assert_true(printed_bytes + room < OUT_BYTES);
        struct text out = text_over(printed + printed_bytes, room);
        done = json_print_pull(&place, text, reader, &out);
        assert_false(out.overflow);
        assert_true(done || out.len > 0);
        printed_bytes += out.len;
    }
    printed[printed_bytes] = '\0';
}

static struct slice slice_of(const char *string) {
    return (struct slice){string, (uint32_t)strlen(string)};
}

static void expect_for(enum json_print_for reader, const char *text, const char *expected) {
    static struct json json;
    struct problem p;
    assert_true(json_parse(&json, slice_of(text), &p));
    for (uint32_t room = JSON_PRINT_STEP_BYTES; room < 2 * JSON_PRINT_STEP_BYTES; room++) {
        print_in(slice_of(text), reader, room);
        assert_string_equal(printed, expected);
    }
    print_in(slice_of(text), reader, OUT_BYTES / 2);
    assert_string_equal(printed, expected);
}

static void expect(const char *text, const char *expected) {
    expect_for(JSON_PRINT_PLAIN, text, expected);
}

static void lays_out(void **state) {
    (void)state;
    expect("1", "1\n");
    expect(" \"a\" ", "\"a\"\n");
    expect("null", "null\n");
    expect("[]", "[]\n");
    expect("{ }", "{}\n");
    expect("[1]", "[\n    1\n]\n");
    expect("[1,2]", "[\n    1,\n    2\n]\n");
    expect("[[]]", "[\n    []\n]\n");
    expect("[[],{}]", "[\n    [],\n    {}\n]\n");
    expect("[\t[ 1\n]\r\n,\"\" ]", "[\n    [\n        1\n    ],\n    \"\"\n]\n");
    expect("{\"a\":1}", "{\n    \"a\": 1\n}\n");
    expect("{\"a\" : {\"b\" :[true ,false]} , \"c\":null}",
           "{\n    \"a\": {\n        \"b\": [\n            true,\n            false\n        ]\n"
           "    },\n    \"c\": null\n}\n");
    expect("[{\"a\":{}},{}]", "[\n    {\n        \"a\": {}\n    },\n    {}\n]\n");
}

static void keeps_spellings(void **state) {
    (void)state;
    expect("[1.0,1e5,-0,1E+2,0.10,123456789012345678901234567890]",
           "[\n    1.0,\n    1e5,\n    -0,\n    1E+2,\n    0.10,\n"
           "    123456789012345678901234567890\n]\n");
    expect("[\"\\u0026\\/\\\"\\\\\",\"{[,:]}\",\"\\\\\"]",
           "[\n    \"\\u0026\\/\\\"\\\\\",\n    \"{[,:]}\",\n    \"\\\\\"\n]\n");
    expect("{\"a\":1,\"a\":2}", "{\n    \"a\": 1,\n    \"a\": 2\n}\n");
    expect("\"\x7f\xc2\x9b\xe2\x80\xae\xc3\xa9\"", "\"\x7f\xc2\x9b\xe2\x80\xae\xc3\xa9\"\n");
}

static void deepest(void **state) {
    char text[2 * CFG_JSON_DEPTH_MAX + 1];
    (void)state;
    memset(text, '[', CFG_JSON_DEPTH_MAX);
    memset(text + CFG_JSON_DEPTH_MAX, ']', CFG_JSON_DEPTH_MAX);
    print_in((struct slice){text, 2 * CFG_JSON_DEPTH_MAX}, JSON_PRINT_PLAIN, JSON_PRINT_STEP_BYTES);
    /* The innermost pair stands on one line; every other level has two, indented alike. */
    uint32_t expected = 4 * (CFG_JSON_DEPTH_MAX - 1) + 3;
    for (uint32_t depth = 0; depth + 1 < CFG_JSON_DEPTH_MAX; depth++) {
        expected += 2 * (4 * depth + 2);
    }
    assert_int_equal(printed_bytes, expected);
    assert_memory_equal(printed, "[\n    [\n        [\n", 18);
    assert_memory_equal(printed + printed_bytes - 9, "\n    ]\n]\n", 9);
}

/* A terminal obeys none of it, and who parses what it shows reads the same value. */
static void for_a_terminal(void **state) {
    (void)state;
    expect_for(JSON_PRINT_TERMINAL, "\"a\x7fz\"", "\"a\\u007fz\"\n");
    expect_for(JSON_PRINT_TERMINAL, "\"\xc2\x80\xc2\x85\xc2\x9b\xc2\x9f\xc2\xa0\"",
               "\"\\u0080\\u0085\\u009b\\u009f\xc2\xa0\"\n");
    expect_for(JSON_PRINT_TERMINAL, "\"\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xae\xe2\x80\xaf\"",
               "\"\xe2\x80\xa7\\u2028\\u202e\xe2\x80\xaf\"\n");
    expect_for(JSON_PRINT_TERMINAL, "\"\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa\"",
               "\"\xe2\x81\xa5\\u2066\\u2069\xe2\x81\xaa\"\n");
    expect_for(JSON_PRINT_TERMINAL, "\"\xf0\x9f\x98\x80 \xc3\xa9 \\u001b[31m\"",
               "\"\xf0\x9f\x98\x80 \xc3\xa9 \\u001b[31m\"\n");
    expect_for(JSON_PRINT_TERMINAL, "{\"\x7f\":[]}", "{\n    \"\\u007f\": []\n}\n");
}

/* The beginning of a text is laid out as far as it goes. */
static void beginnings(void **state) {
    static const char text[] = "{\"a\":[1,\"\\u00e9\\\\\",{}],\"b\":true}";
    char whole[256];
    (void)state;
    print_in(SLICE(text), JSON_PRINT_PLAIN, 200);
    memcpy(whole, printed, printed_bytes);
    for (uint32_t len = 0; len < sizeof text - 1; len++) {
        print_in((struct slice){text, len}, JSON_PRINT_PLAIN, 200);
        assert_true(printed_bytes >= 1 && printed[printed_bytes - 1] == '\n');
        assert_memory_equal(printed, whole, printed_bytes - 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lays_out),   cmocka_unit_test(keeps_spellings),
        cmocka_unit_test(deepest),    cmocka_unit_test(for_a_terminal),
        cmocka_unit_test(beginnings),
    };
    return cmocka_run_group_tests_name("json_print", tests, NULL, NULL);
}
