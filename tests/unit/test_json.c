/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_json.c: json_parse against the grammar of RFC 8259, each rule with its nearest wrong
 * neighbour, its limits, and the walk over the tokens.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "json.h"

static struct json json;
static struct problem problem;
static char *copy;

/* Parses a text in memory of just its size, which stays until the next. */
static bool parse_bytes(const char *bytes, size_t len) {
    free(copy);
    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    memset(&problem, 0, sizeof problem);
    bool ok = json_parse(&json, (struct slice){copy, (uint32_t)len}, &problem);
    if (ok) {
        assert_in_range(json.count, 1, CFG_JSON_TOKENS_MAX);
        assert_int_equal(json.tokens[JSON_ROOT].next, json.count);
    } else {
        assert_int_equal(json.count, 0);
        assert_true(problem.kind == PROBLEM_MALFORMED || problem.kind == PROBLEM_TOO_LARGE);
        assert_in_range(problem.line_len, 1, PROBLEM_LINE_BYTES - 1);
        assert_memory_equal(problem.line, "byte ", 5);
    }
    return ok;
}

static bool parse(const char *text) {
    return parse_bytes(text, strlen(text));
}

static void expect_valid(const char *text) {
    if (!parse(text)) {
        fail_msg("%s refused: %.*s", text, (int)problem.line_len, problem.line);
    }
}

static void expect_refused(const char *text, enum problem_kind kind, const char *line) {
    if (parse(text)) {
        fail_msg("%s taken, expected: %s", text, line);
    }
    if (problem.kind != kind || problem.line_len != strlen(line) ||
        memcmp(problem.line, line, problem.line_len) != 0) {
        fail_msg("%s: kind %d, %.*s\nexpected: %s", text, (int)problem.kind, (int)problem.line_len,
                 problem.line, line);
    }
}

static void expect_slice(struct slice s, const char *expected) {
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.bytes, expected, s.len);
}

/* Parses a string and undoes its escapes. */
static void expect_unescaped(const char *text, const char *expected, size_t len) {
    char bytes[64];
    struct text out = text_over(bytes, sizeof bytes);
    expect_valid(text);
    assert_true(json_string(&json, JSON_ROOT, &out));
    assert_int_equal(out.len, len);
    assert_memory_equal(bytes, expected, len);
    assert_true(json_equals(&json, JSON_ROOT, (struct slice){expected, (uint32_t)len}));
}

/* ---- grammar ---------------------------------------------------------------------------- */

static void takes_what_is_right(void **state) {
    (void)state;
    /* Texts separated by '|'. */
    static const char cases[] =
        "{}|[]|\"\"|0|-0|1|true|false|null| 1|1 |\t\r\n 1 \t\r\n|[ ]|{ }| [ ] | { } |[\n]|{\t}|"
        "[1]|[ 1 ]|[1,2]|[1 , 2]|[\"a\"]|[\"a\",\"b\"]|[true,false,null]|[[]]|[{}]|[[],[]]|"
        "[[],{},\"\",0]|[[[[]]]]|[1,[2,[3,[4]]],5]|{\"a\":1}|{ \"a\" : 1 }|{\"a\":1,\"b\":2}|"
        "{\"a\" : 1 , \"b\" : 2}|{\"\":0}|{\"a\":{}}|{\"a\":[]}|{\"a\":{\"b\":{\"c\":[]}}}|"
        "{\"a\":1,\"a\":2}|{\"a\":\"a\"}|{\"a\":null,\"b\":[true]}|[{\"a\":1},{\"a\":2}]|"
        "{\"a\":[{\"b\":[{}]}],\"c\":{}}|"
        "9|10|19|-1|-10|123456789012345678901234567890|0.0|0.5|-0.5|1.0|1.25|10.01|0e0|0e-0|"
        "1e1|1E1|1e+1|1e-1|1E+01|1e00|1.5e10|-1.5E-10|0.1e1|1e999999999|-0.0|"
        "\"a\"|\" \"|\"\x7f\"|\"\\\"\"|\"\\\\\"|\"\\/\"|\"/\"|\"\\b\"|\"\\f\"|\"\\n\"|\"\\r\"|"
        "\"\\t\"|\"\\u0000\"|\"\\u001f\"|\"\\u00e9\"|\"\\uFFFF\"|\"\\uABCD\"|\"\\uabcd\"|"
        "\"\\ud7ff\"|\"\\ue000\"|\"\\ud800\\udc00\"|\"\\uDBFF\\uDFFF\"|\"\\ud83d\\ude00x\"|"
        "\"\\\\u12\"|\"\\\\\\\\\"|\"'\"|\"[1,{]}\"|\"\xc3\xa9\"|\"\xe2\x82\xac\"|"
        "\"\xf0\x9f\x98\x80\"|{\"\\u0061\":1}|{\"\xc3\xa9\":1}|[\"\\\"\",\"\\\\\"]";
    const char *at = cases;
    for (size_t len = strcspn(at, "|"); len > 0; len = strcspn(at, "|")) {
        if (!parse_bytes(at, len)) {
            fail_msg("%.*s refused: %.*s", (int)len, at, (int)problem.line_len, problem.line);
        }
        at += len + (at[len] == '|');
    }
}

struct refusal {
    const char *text;
    const char *line;
};

static void expect_malformed(const struct refusal *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        expect_refused(cases[i].text, PROBLEM_MALFORMED, cases[i].line);
    }
}

#define EXPECT_MALFORMED(cases) expect_malformed(cases, sizeof(cases) / sizeof((cases)[0]))

static void refuses_broken_structure(void **state) {
    (void)state;
    static const struct refusal cases[] = {
        {"", "byte 1: expected a value, but the text ends"},
        {" \n", "byte 3: expected a value, but the text ends"},
        {"\xef\xbb\xbf{}", "byte 1: expected no byte order mark, found byte 0xef"},
        {"\xef\xbb\xbf", "byte 1: expected no byte order mark, found byte 0xef"},
        {" \xef\xbb\xbf{}", "byte 2: expected a value, found byte 0xef"},
        {"\xef\xbb", "byte 1: expected a value, found byte 0xef"},
        {"]", "byte 1: expected a value, found ']'"},
        {"}", "byte 1: expected a value, found '}'"},
        {",", "byte 1: expected a value, found ','"},
        {":", "byte 1: expected a value, found ':'"},
        {"[", "byte 2: expected a value, but the text ends"},
        {"[1", "byte 3: expected ',' or ']' after the element, but the text ends"},
        {"[1,", "byte 4: expected a value, but the text ends"},
        {"[1,]", "byte 4: expected a value, found ']'"},
        {"[1, ]", "byte 5: expected a value, found ']'"},
        {"[,1]", "byte 2: expected a value, found ','"},
        {"[,]", "byte 2: expected a value, found ','"},
        {"[1,,2]", "byte 4: expected a value, found ','"},
        {"[1 2]", "byte 4: expected ',' or ']' after the element, found '2'"},
        {"[1}", "byte 3: expected ',' or ']' after the element, found '}'"},
        {"[}", "byte 2: expected a value, found '}'"},
        {"[1:2]", "byte 3: expected ',' or ']' after the element, found ':'"},
        {"[\"a\":1]", "byte 5: expected ',' or ']' after the element, found ':'"},
        {"[\"a\" \"b\"]", "byte 6: expected ',' or ']' after the element, found '\"'"},
        {"[[]", "byte 4: expected ',' or ']' after the element, but the text ends"},
        {"[[],", "byte 5: expected a value, but the text ends"},
        {"[[]{}]", "byte 4: expected ',' or ']' after the element, found '{'"},
        {"[[1}]", "byte 4: expected ',' or ']' after the element, found '}'"},
        {"[]]", "byte 3: expected nothing more after the value, found ']'"},
        {"[] []", "byte 4: expected nothing more after the value, found '['"},
        {"{}{}", "byte 3: expected nothing more after the value, found '{'"},
        {"{},", "byte 3: expected nothing more after the value, found ','"},
        {"1 2", "byte 3: expected nothing more after the value, found '2'"},
        {"\"a\"\"b\"", "byte 4: expected nothing more after the value, found '\"'"},
        {"true false", "byte 6: expected nothing more after the value, found 'f'"},
        {"[]\x0b", "byte 3: expected nothing more after the value, found byte 0x0b"},
        {"[]\xc2\xa0", "byte 3: expected nothing more after the value, found byte 0xc2"},
        {"[1]//", "byte 4: expected nothing more after the value, found '/'"},
        {"/**/1", "byte 1: expected a value, found '/'"},
        {"{", "byte 2: expected a name in double quotes, or }, but the text ends"},
        {"{,}", "byte 2: expected a name in double quotes, or }, found ','"},
        {"{]", "byte 2: expected a name in double quotes, or }, found ']'"},
        {"{1:2}", "byte 2: expected a name in double quotes, or }, found '1'"},
        {"{a:1}", "byte 2: expected a name in double quotes, or }, found 'a'"},
        {"{'a':1}", "byte 2: expected a name in double quotes, or }, found '''"},
        {"{null:1}", "byte 2: expected a name in double quotes, or }, found 'n'"},
        {"{{}:1}", "byte 2: expected a name in double quotes, or }, found '{'"},
        {"{[]:1}", "byte 2: expected a name in double quotes, or }, found '['"},
        {"{:1}", "byte 2: expected a name in double quotes, or }, found ':'"},
        {"{\"a", "byte 4: expected \" at the end of the string, but the text ends"},
        {"{\"a\"", "byte 5: expected ':' after the name, but the text ends"},
        {"{\"a\"}", "byte 5: expected ':' after the name, found '}'"},
        {"{\"a\" 1}", "byte 6: expected ':' after the name, found '1'"},
        {"{\"a\",1}", "byte 5: expected ':' after the name, found ','"},
        {"{\"a\"=1}", "byte 5: expected ':' after the name, found '='"},
        {"{\"a\":", "byte 6: expected a value, but the text ends"},
        {"{\"a\":}", "byte 6: expected a value, found '}'"},
        {"{\"a\":,}", "byte 6: expected a value, found ','"},
        {"{\"a\"::1}", "byte 6: expected a value, found ':'"},
        {"{\"a\":1", "byte 7: expected ',' or '}' after the member, but the text ends"},
        {"{\"a\":1]", "byte 7: expected ',' or '}' after the member, found ']'"},
        {"{\"a\":1:2}", "byte 7: expected ',' or '}' after the member, found ':'"},
        {"{\"a\":1 \"b\":2}", "byte 8: expected ',' or '}' after the member, found '\"'"},
        {"{\"a\":1,", "byte 8: expected a name in double quotes, but the text ends"},
        {"{\"a\":1,}", "byte 8: expected a name in double quotes, found '}'"},
        {"{\"a\":1,,\"b\":2}", "byte 8: expected a name in double quotes, found ','"},
        {"{\"a\":1,b:2}", "byte 8: expected a name in double quotes, found 'b'"},
        {"{\"a\":1,\"b\"}", "byte 11: expected ':' after the name, found '}'"},
        {"{\"a\":[}", "byte 7: expected a value, found '}'"},
        {"{\"a\":{}", "byte 8: expected ',' or '}' after the member, but the text ends"},
        {"{\"a\":1}}", "byte 8: expected nothing more after the value, found '}'"},
        {"{\"a\" \"b\":1}", "byte 6: expected ':' after the name, found '\"'"},
    };
    EXPECT_MALFORMED(cases);
}

static void refuses_broken_scalars(void **state) {
    (void)state;
    static const struct refusal cases[] = {
        {"-", "byte 2: expected a digit after '-', but the text ends"},
        {"[-]", "byte 3: expected a digit after '-', found ']'"},
        {"--1", "byte 2: expected a digit after '-', found '-'"},
        {"- 1", "byte 2: expected a digit after '-', found byte 0x20"},
        {"-a", "byte 2: expected a digit after '-', found 'a'"},
        {"-.5", "byte 2: expected a digit after '-', found '.'"},
        {"-Infinity", "byte 2: expected a digit after '-', found 'I'"},
        {"+1", "byte 1: expected a value, found '+'"},
        {".5", "byte 1: expected a value, found '.'"},
        {"00", "byte 2: expected no more digits after a leading 0, found '0'"},
        {"01", "byte 2: expected no more digits after a leading 0, found '1'"},
        {"-01", "byte 3: expected no more digits after a leading 0, found '1'"},
        {"1.", "byte 3: expected a digit after the decimal point, but the text ends"},
        {"[1.]", "byte 4: expected a digit after the decimal point, found ']'"},
        {"1.e1", "byte 3: expected a digit after the decimal point, found 'e'"},
        {"1.-1", "byte 3: expected a digit after the decimal point, found '-'"},
        {"1.2.3", "byte 4: expected nothing more after the value, found '.'"},
        {"1e", "byte 3: expected a digit in the exponent, but the text ends"},
        {"1e+", "byte 4: expected a digit in the exponent, but the text ends"},
        {"1e-", "byte 4: expected a digit in the exponent, but the text ends"},
        {"1E ", "byte 3: expected a digit in the exponent, found byte 0x20"},
        {"1e++1", "byte 4: expected a digit in the exponent, found '+'"},
        {"1e.5", "byte 3: expected a digit in the exponent, found '.'"},
        {"1e1.5", "byte 4: expected nothing more after the value, found '.'"},
        {"[1e1e1]", "byte 5: expected ',' or ']' after the element, found 'e'"},
        {"0x10", "byte 2: expected nothing more after the value, found 'x'"},
        {"1_000", "byte 2: expected nothing more after the value, found '_'"},
        {"1f", "byte 2: expected nothing more after the value, found 'f'"},
        {"[1a]", "byte 3: expected ',' or ']' after the element, found 'a'"},
        {"t", "byte 2: expected true, but the text ends"},
        {"tru", "byte 4: expected true, but the text ends"},
        {"[tru]", "byte 5: expected true, found ']'"},
        {"trUe", "byte 3: expected true, found 'U'"},
        {"truE", "byte 4: expected true, found 'E'"},
        {"truee", "byte 5: expected nothing more after the value, found 'e'"},
        {"True", "byte 1: expected a value, found 'T'"},
        {"TRUE", "byte 1: expected a value, found 'T'"},
        {"fals", "byte 5: expected false, but the text ends"},
        {"falsy", "byte 5: expected false, found 'y'"},
        {"false1", "byte 6: expected nothing more after the value, found '1'"},
        {"nul", "byte 4: expected null, but the text ends"},
        {"nil", "byte 2: expected null, found 'i'"},
        {"nulll", "byte 5: expected nothing more after the value, found 'l'"},
        {"NaN", "byte 1: expected a value, found 'N'"},
        {"Infinity", "byte 1: expected a value, found 'I'"},
        {"undefined", "byte 1: expected a value, found 'u'"},
        {"'a'", "byte 1: expected a value, found '''"},
        {"a", "byte 1: expected a value, found 'a'"},
    };
    EXPECT_MALFORMED(cases);
}

static void refuses_broken_strings(void **state) {
    (void)state;
    static const struct refusal cases[] = {
        {"\"", "byte 2: expected \" at the end of the string, but the text ends"},
        {"\"a", "byte 3: expected \" at the end of the string, but the text ends"},
        {"\"\\\"", "byte 4: expected \" at the end of the string, but the text ends"},
        {"\"\\", "byte 3: expected one of \"\\/bfnrtu after a backslash, but the text ends"},
        {"\"\\x41\"", "byte 3: expected one of \"\\/bfnrtu after a backslash, found 'x'"},
        {"\"\\'\"", "byte 3: expected one of \"\\/bfnrtu after a backslash, found '''"},
        {"\"\\0\"", "byte 3: expected one of \"\\/bfnrtu after a backslash, found '0'"},
        {"\"\\N\"", "byte 3: expected one of \"\\/bfnrtu after a backslash, found 'N'"},
        {"\"\\U0041\"", "byte 3: expected one of \"\\/bfnrtu after a backslash, found 'U'"},
        {"\"\\\n\"", "byte 3: expected one of \"\\/bfnrtu after a backslash, found byte 0x0a"},
        {"\"\\u\"", "byte 4: expected four hex digits after \\u, found '\"'"},
        {"\"\\u123\"", "byte 7: expected four hex digits after \\u, found '\"'"},
        {"\"\\u123", "byte 7: expected four hex digits after \\u, but the text ends"},
        {"\"\\u12g4\"", "byte 6: expected four hex digits after \\u, found 'g'"},
        {"\"\\u 123\"", "byte 4: expected four hex digits after \\u, found byte 0x20"},
        {"\"\\u+123\"", "byte 4: expected four hex digits after \\u, found '+'"},
        {"\"\\u{41}\"", "byte 4: expected four hex digits after \\u, found '{'"},
        {"\"\\ud800\"", "byte 8: expected \\u and a low surrogate after a high one, found '\"'"},
        {"\"\\ud800",
         "byte 8: expected \\u and a low surrogate after a high one, but the text ends"},
        {"\"\\ud800\\", "byte 8: expected \\u and a low surrogate after a high one, found '\\'"},
        {"\"\\ud800x\"", "byte 8: expected \\u and a low surrogate after a high one, found 'x'"},
        {"\"\\ud800\\n\"", "byte 8: expected \\u and a low surrogate after a high one, found '\\'"},
        {"\"\\ud800\\u\"", "byte 10: expected four hex digits after \\u, found '\"'"},
        {"\"\\ud800\\u0041\"",
         "byte 8: expected a low surrogate (\\udc00 to \\udfff) after a high one, found '\\'"},
        {"\"\\ud800\\ud800\"",
         "byte 8: expected a low surrogate (\\udc00 to \\udfff) after a high one, found '\\'"},
        {"\"\\uDBFF\\ue000\"",
         "byte 8: expected a low surrogate (\\udc00 to \\udfff) after a high one, found '\\'"},
        {"\"\\udc00\"", "byte 4: expected a high surrogate before this low one, found 'd'"},
        {"\"\\uDFFF\\ud800\"", "byte 4: expected a high surrogate before this low one, found 'D'"},
        {"\"\n\"",
         "byte 2: expected control characters in a string as \\u escapes, found byte 0x0a"},
        {"\"abcd\tx\"",
         "byte 6: expected control characters in a string as \\u escapes, found byte 0x09"},
        {"\"\x80\"", "byte 2: expected UTF-8, found byte 0x80"},
        {"\"ab\xff\"", "byte 4: expected UTF-8, found byte 0xff"},
        {"\"\xc3\"", "byte 2: expected UTF-8, found byte 0xc3"},
        {"\"\xc0\x80\"", "byte 2: expected UTF-8, found byte 0xc0"},
        {"\"\xc1\xbf\"", "byte 2: expected UTF-8, found byte 0xc1"},
        {"\"\xe2\x82\"", "byte 2: expected UTF-8, found byte 0xe2"},
        {"\"\xe0\x9f\xbf\"", "byte 2: expected UTF-8, found byte 0xe0"},
        {"\"\xed\xa0\x80\"", "byte 2: expected UTF-8, found byte 0xed"},
        {"\"\xf0\x8f\xbf\xbf\"", "byte 2: expected UTF-8, found byte 0xf0"},
        {"\"\xf4\x90\x80\x80\"", "byte 2: expected UTF-8, found byte 0xf4"},
        {"\"\xf0\x9f\x98\"", "byte 2: expected UTF-8, found byte 0xf0"},
        {"{\"\xff\":1}", "byte 3: expected UTF-8, found byte 0xff"},
        {"[\"\xc3\xa9\\n\xa9\"]", "byte 7: expected UTF-8, found byte 0xa9"},
    };
    EXPECT_MALFORMED(cases);
}

/* Each byte in each kind of place. */
static void every_byte_everywhere(void **state) {
    (void)state;
    for (int c = 0; c < 256; c++) {
        char alone[1] = {(char)c};
        char in_string[3] = {'"', (char)c, '"'};
        char escaped[4] = {'"', '\\', (char)c, '"'};
        char blank[4] = {'[', (char)c, '1', ']'};
        char in_name[6] = {'{', '"', (char)c, '"', ':', '1'};
        bool digit = c >= '0' && c <= '9';
        assert_int_equal(parse_bytes(alone, sizeof alone), digit);
        assert_int_equal(parse_bytes(in_string, sizeof in_string),
                         c >= 0x20 && c < 0x80 && c != '"' && c != '\\');
        assert_int_equal(parse_bytes(escaped, sizeof escaped),
                         c != 0 && strchr("\"\\/bfnrt", c) != NULL);
        assert_int_equal(parse_bytes(blank, sizeof blank),
                         (c != 0 && strchr(" \t\r\n-", c) != NULL) || (digit && c != '0'));
        assert_false(parse_bytes(in_name, sizeof in_name));
    }
}

/* A byte that ends a run of plain ones, at every distance from the run's start. */
static void every_place_in_a_string(void **state) {
    (void)state;
    for (size_t place = 0; place < 40; place++) {
        char text[64];
        size_t len = (size_t)snprintf(text, sizeof text, "\"%0*d\"", 40, 0);
        expect_valid(text);
        static const char special[] = {'\0', '\x1f', '\n', '\x80', '\xff', '"', '\\'};
        for (size_t i = 0; i < sizeof special; i++) {
            text[1 + place] = special[i];
            assert_false(parse_bytes(text, len));
        }
        text[1 + place] = '\x7f';
        assert_true(parse_bytes(text, len));
        text[1 + place] = ' ';
        assert_true(parse_bytes(text, len));
        assert_false(parse_bytes(text, 1 + place));
    }
}

static const char document[] =
    "{\"name\":\"requests\\u00e9_total\", \"value\" : -12.5e+3,\r\n\t\"labels\":{\"a\":\"\\ud83d\\ude00\","
    "\"b\":\"\xe2\x82\xac\\\\\"},\"list\":[true,false,null,[],{},[[0]],\"\"]}";

static void every_prefix_is_refused(void **state) {
    (void)state;
    expect_valid(document);
    for (size_t len = 0; len < sizeof document - 1; len++) {
        assert_false(parse_bytes(document, len));
        assert_int_equal(problem.kind, PROBLEM_MALFORMED);
    }
}

/* Each byte of a good text replaced by each other: no memory error, whatever the answer. */
static void every_byte_replaced(void **state) {
    (void)state;
    char text[sizeof document];
    uint32_t taken = 0;
    for (size_t i = 0; i < sizeof document - 1; i++) {
        for (int c = 0; c < 256; c++) {
            memcpy(text, document, sizeof text);
            text[i] = (char)c;
            taken += parse_bytes(text, sizeof document - 1);
        }
    }
    assert_in_range(taken, sizeof document - 1, 256 * sizeof document / 2);
}

/* ---- limits ----------------------------------------------------------------------------- */

static void make_array(char *text, uint32_t elements) {
    *text++ = '[';
    for (uint32_t i = 0; i < elements; i++) {
        *text++ = '1';
        *text++ = ',';
    }
    text[-1] = ']';
    *text = '\0';
}

static void make_object(char *text, uint32_t members) {
    *text++ = '{';
    for (uint32_t i = 0; i < members; i++) {
        memcpy(text, "\"a\":1,", 6);
        text += 6;
    }
    text[-1] = '}';
    *text = '\0';
}

static void tokens_up_to_the_limit(void **state) {
    (void)state;
    char text[CFG_JSON_TOKENS_MAX * 8];
    char line[96];
    make_array(text, CFG_JSON_TOKENS_MAX - 2);
    expect_valid(text);
    assert_int_equal(json.count, CFG_JSON_TOKENS_MAX - 1);
    make_array(text, CFG_JSON_TOKENS_MAX - 1);
    expect_valid(text);
    assert_int_equal(json.count, CFG_JSON_TOKENS_MAX);
    make_array(text, CFG_JSON_TOKENS_MAX);
    snprintf(line, sizeof line, "byte %d: more values and names of members than %d",
             2 * CFG_JSON_TOKENS_MAX, CFG_JSON_TOKENS_MAX);
    expect_refused(text, PROBLEM_TOO_LARGE, line);
    /* The object is the first of an odd number: a value is one too many; after another
     * token, a name. */
    make_object(text, CFG_JSON_TOKENS_MAX / 2 - 1);
    expect_valid(text);
    make_object(text, CFG_JSON_TOKENS_MAX / 2);
    assert_false(parse(text));
    assert_int_equal(problem.kind, PROBLEM_TOO_LARGE);
    snprintf(line, sizeof line, "byte %d: ", 2 + 6 * (CFG_JSON_TOKENS_MAX / 2 - 1) + 4);
    assert_memory_equal(problem.line, line, strlen(line));
    char array[sizeof text + 2];
    make_object(text, CFG_JSON_TOKENS_MAX / 2 - 1);
    snprintf(array, sizeof array, "[%s]", text);
    expect_valid(array);
    assert_int_equal(json.count, CFG_JSON_TOKENS_MAX);
    make_object(text, CFG_JSON_TOKENS_MAX / 2);
    snprintf(array, sizeof array, "[%s]", text);
    assert_false(parse(array));
    assert_int_equal(problem.kind, PROBLEM_TOO_LARGE);
    snprintf(line, sizeof line, "byte %d: ", 1 + 2 + 6 * (CFG_JSON_TOKENS_MAX / 2 - 1));
    assert_memory_equal(problem.line, line, strlen(line));
    /* The end of the text is what is wrong, not the room. */
    make_array(text, CFG_JSON_TOKENS_MAX - 1);
    text[strlen(text) - 1] = ',';
    assert_false(parse(text));
    assert_int_equal(problem.kind, PROBLEM_MALFORMED);
}

#define NESTED_BYTES (CFG_JSON_DEPTH_MAX * 16 + 32)

static void make_nested(char *text, uint32_t depth, const char *open, const char *innermost,
                        const char *close) {
    struct text out = text_over(text, NESTED_BYTES - 1);
    for (uint32_t i = 0; i < depth; i++) {
        text_puts(&out, open);
    }
    text_puts(&out, innermost);
    for (uint32_t i = 0; i < depth; i++) {
        text_puts(&out, close);
    }
    text[out.len] = '\0';
}

static void depth_up_to_the_limit(void **state) {
    (void)state;
    char text[NESTED_BYTES];
    char line[96];
    make_nested(text, CFG_JSON_DEPTH_MAX - 1, "[", "", "]");
    expect_valid(text);
    make_nested(text, CFG_JSON_DEPTH_MAX, "[", "", "]");
    expect_valid(text);
    make_nested(text, CFG_JSON_DEPTH_MAX, "[", "1", "]");
    expect_valid(text);
    make_nested(text, CFG_JSON_DEPTH_MAX, "{\"a\":", "1", "}");
    expect_valid(text);
    make_nested(text, CFG_JSON_DEPTH_MAX / 2, "[{\"a\":", "1", "}]");
    expect_valid(text);
    make_nested(text, CFG_JSON_DEPTH_MAX + 1, "[", "", "]");
    snprintf(line, sizeof line, "byte %d: arrays and objects nested deeper than %d",
             CFG_JSON_DEPTH_MAX + 1, CFG_JSON_DEPTH_MAX);
    expect_refused(text, PROBLEM_TOO_LARGE, line);
    make_nested(text, CFG_JSON_DEPTH_MAX / 2, "[{\"a\":", "{}", "}]");
    assert_false(parse(text));
    assert_int_equal(problem.kind, PROBLEM_TOO_LARGE);
    /* Depth is given back. */
    expect_valid("[[[[[[[[[]]]]]]]],[[[[[[[[]]]]]]]],{\"a\":[[[[[[]]]]]]}]");
}

static void very_long_texts(void **state) {
    (void)state;
    static char text[JSON_NARROW ? JSON_TEXT_BYTES_MAX : 1 << 20];
    memset(text, '[', sizeof text); /* no recursion, no quadratic time */
    assert_false(parse_bytes(text, sizeof text));
    memset(text, ' ', sizeof text);
    text[sizeof text / 2] = '7';
    assert_true(parse_bytes(text, sizeof text));
    expect_slice(json_raw(&json, JSON_ROOT), "7");
    memset(text, 'a', sizeof text);
    text[0] = text[sizeof text - 1] = '"';
    assert_true(parse_bytes(text, sizeof text));
    memset(text, '9', sizeof text);
    assert_true(parse_bytes(text, sizeof text));
    const uint32_t one_more = (uint32_t)JSON_TEXT_BYTES_MAX + 1u;
    assert_false(json_parse(&json, (struct slice){text, one_more}, &problem));
    assert_int_equal(problem.kind, PROBLEM_TOO_LARGE);
}

/* ---- walking ---------------------------------------------------------------------------- */

static void walks_members_and_elements(void **state) {
    (void)state;
    expect_valid(
        " {\"a\": 1.50, \"b\" :[true , [2,{}], {\"x\":{}} ,\"s\\n\"],\"c\":{}, \"d\":null} ");
    assert_int_equal(json_type(&json, JSON_ROOT), JSON_OBJECT);
    assert_int_equal(json.tokens[JSON_ROOT].count, 4);
    static const char *const names[] = {"a", "b", "c", "d"};
    static const char *const values[] = {"1.50", "[true , [2,{}], {\"x\":{}} ,\"s\\n\"]", "{}",
                                         "null"};
    static const enum json_type types[] = {JSON_NUMBER, JSON_ARRAY, JSON_OBJECT, JSON_NULL};
    uint32_t n = 0;
    for (uint32_t i = json_first(&json, JSON_ROOT); i != JSON_NONE;
         i = json_next(&json, JSON_ROOT, i)) {
        struct slice name;
        assert_int_equal(json_type(&json, i), JSON_STRING);
        assert_int_equal(json.tokens[i].count, 0);
        assert_true(json_plain(&json, i, &name));
        expect_slice(name, names[n]);
        assert_int_equal(json_type(&json, json_value(i)), types[n]);
        expect_slice(json_raw(&json, json_value(i)), values[n]);
        n++;
    }
    assert_int_equal(n, 4);
    uint32_t array = json_member(&json, JSON_ROOT, SLICE("b"));
    static const char *const elements[] = {"true", "[2,{}]", "{\"x\":{}}", "\"s\\n\""};
    n = 0;
    for (uint32_t i = json_first(&json, array); i != JSON_NONE; i = json_next(&json, array, i)) {
        expect_slice(json_raw(&json, i), elements[n++]);
    }
    assert_int_equal(n, 4);
    assert_int_equal(json.tokens[array].count, 4);
    uint32_t inner = json_next(&json, array, json_first(&json, array));
    assert_int_equal(json_next(&json, inner, json_first(&json, inner) + 1), JSON_NONE);
    assert_int_equal(json_first(&json, json_member(&json, JSON_ROOT, SLICE("c"))), JSON_NONE);
    assert_int_equal(json_first(&json, json_member(&json, JSON_ROOT, SLICE("d"))), JSON_NONE);
    assert_int_equal(json_first(&json, json_first(&json, JSON_ROOT)), JSON_NONE);
}

static void finds_members(void **state) {
    (void)state;
    expect_valid("{\"a\":1,\"b\":{\"c\":2},\"a\":3,\"\\u0063\":4}");
    expect_slice(json_raw(&json, json_member(&json, JSON_ROOT, SLICE("a"))), "3");
    expect_slice(json_raw(&json, json_member(&json, JSON_ROOT, SLICE("c"))), "4");
    uint32_t b = json_member(&json, JSON_ROOT, SLICE("b"));
    expect_slice(json_raw(&json, json_member(&json, b, SLICE("c"))), "2");
    assert_int_equal(json_member(&json, b, SLICE("a")), JSON_NONE);
    assert_int_equal(json_member(&json, JSON_ROOT, SLICE("")), JSON_NONE);
    assert_int_equal(json_member(&json, b + 2, SLICE("c")), JSON_NONE);
    expect_valid("[\"a\",1]");
    assert_int_equal(json_member(&json, JSON_ROOT, SLICE("a")), JSON_NONE);
}

static void scalars_at_the_top(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *raw;
        enum json_type type;
    } cases[] = {
        {" -1.5e3\n", "-1.5e3", JSON_NUMBER}, {"0", "0", JSON_NUMBER},
        {"true ", "true", JSON_TRUE},         {"\tfalse", "false", JSON_FALSE},
        {" null ", "null", JSON_NULL},        {" \"a\\n\" ", "\"a\\n\"", JSON_STRING},
        {"\"\"", "\"\"", JSON_STRING},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_valid(cases[i].text);
        assert_int_equal(json.count, 1);
        assert_int_equal(json_type(&json, JSON_ROOT), cases[i].type);
        expect_slice(json_raw(&json, JSON_ROOT), cases[i].raw);
        assert_int_equal(json_first(&json, JSON_ROOT), JSON_NONE);
    }
}

/* ---- strings ---------------------------------------------------------------------------- */

static void undoes_escapes(void **state) {
    (void)state;
    expect_unescaped("\"\"", "", 0);
    expect_unescaped("\"plain\"", "plain", 5);
    expect_unescaped("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
    expect_unescaped("\"a\\u0000b\"", "a\0b", 3);
    expect_unescaped("\"\\u007f\\u0080\"", "\x7f\xc2\x80", 3);
    expect_unescaped("\"\\u07ff\\u0800\"", "\xdf\xbf\xe0\xa0\x80", 5);
    expect_unescaped("\"\\ud7ff\\ue000\\uFFFF\"", "\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", 9);
    expect_unescaped("\"\\ud800\\udc00\\uDBFF\\uDFFF\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8);
    expect_unescaped("\"x\\ud83d\\ude00y\xc3\xa9\"", "x\xf0\x9f\x98\x80y\xc3\xa9", 8);
    expect_unescaped("\"\\\\u0041\"", "\\u0041", 6);
    expect_unescaped("\"\\\\\\\\n\"", "\\\\n", 3);
}

static void says_when_there_is_no_room(void **state) {
    (void)state;
    char bytes[8];
    expect_valid("\"ab\\u20acc\""); /* six bytes */
    for (uint32_t room = 0; room <= sizeof bytes; room++) {
        struct text out = text_over(bytes, room);
        assert_int_equal(json_string(&json, JSON_ROOT, &out), room >= 6);
        assert_int_equal(out.overflow, room < 6);
        assert_int_equal(out.len, room < 6 ? room : 6);
    }
    struct text out = text_over(bytes, sizeof bytes);
    text_puts(&out, "12");
    assert_true(json_string(&json, JSON_ROOT, &out)); /* it appends */
    expect_slice(text_slice(&out), "12ab\xe2\x82\xac"
                                   "c");
    expect_valid("[1,null]");
    for (uint32_t i = 0; i < json.count; i++) {
        struct slice s = SLICE("same");
        out = text_over(bytes, sizeof bytes);
        assert_false(json_string(&json, i, &out));
        assert_int_equal(out.len, 0);
        assert_false(json_plain(&json, i, &s));
        expect_slice(s, "same");
        assert_false(json_equals(&json, i, SLICE("1")));
    }
}

static void compares_strings(void **state) {
    (void)state;
    expect_valid("[\"name\",\"n\\u0061me\",\"\",\"\\n\",\"\\\\n\",\"\\u0000\",\"ab\\u00e9\"]");
    assert_true(json_equals(&json, 1, SLICE("name")));
    assert_true(json_equals(&json, 2, SLICE("name")));
    for (uint32_t i = 1; i <= 2; i++) {
        assert_false(json_equals(&json, i, SLICE("nam")));
        assert_false(json_equals(&json, i, SLICE("names")));
        assert_false(json_equals(&json, i, SLICE("Name")));
        assert_false(json_equals(&json, i, SLICE("namE")));
        assert_false(json_equals(&json, i, SLICE("n\\u0061me")));
        assert_false(json_equals(&json, i, SLICE("")));
    }
    assert_true(json_equals(&json, 3, SLICE("")));
    assert_false(json_equals(&json, 3, SLICE("\0")));
    assert_true(json_equals(&json, 4, SLICE("\n")));
    assert_false(json_equals(&json, 4, SLICE("\\n")));
    assert_true(json_equals(&json, 5, SLICE("\\n")));
    assert_false(json_equals(&json, 5, SLICE("\n")));
    assert_true(json_equals(&json, 6, SLICE("\0")));
    assert_false(json_equals(&json, 6, SLICE("")));
    assert_true(json_equals(&json, 7, SLICE("ab\xc3\xa9")));
    assert_false(json_equals(&json, 7, SLICE("ab\xc3\xa8")));
    struct slice s;
    assert_true(json_plain(&json, 1, &s));
    expect_slice(s, "name");
    assert_false(json_plain(&json, 2, &s));
    assert_true(json_plain(&json, 3, &s));
    assert_int_equal(s.len, 0);
}

static int free_copy(void **state) {
    (void)state;
    free(copy);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_is_right),     cmocka_unit_test(refuses_broken_structure),
        cmocka_unit_test(refuses_broken_scalars),  cmocka_unit_test(refuses_broken_strings),
        cmocka_unit_test(every_byte_everywhere),   cmocka_unit_test(every_place_in_a_string),
        cmocka_unit_test(every_prefix_is_refused), cmocka_unit_test(every_byte_replaced),
        cmocka_unit_test(tokens_up_to_the_limit),  cmocka_unit_test(depth_up_to_the_limit),
        cmocka_unit_test(very_long_texts),         cmocka_unit_test(walks_members_and_elements),
        cmocka_unit_test(finds_members),           cmocka_unit_test(scalars_at_the_top),
        cmocka_unit_test(undoes_escapes),          cmocka_unit_test(says_when_there_is_no_room),
        cmocka_unit_test(compares_strings),
    };
    return cmocka_run_group_tests(tests, NULL, free_copy);
}
