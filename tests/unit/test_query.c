/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_query.c: URL queries and form bodies, their pairs and their encoding.
 */
#include "http/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static char bytes[64];

static struct slice of(const char *string) {
    return (struct slice){string, (uint32_t)strlen(string)};
}

static void expect(const struct text *t, const char *expected) {
    assert_int_equal(t->len, strlen(expected));
    assert_memory_equal(t->bytes, expected, t->len);
}

/* Joins the pairs again, as name:value; */
static void check_pairs(const char *query, const char *expected) {
    struct slice rest = of(query);
    struct slice name;
    struct slice value;
    struct text t = text_over(bytes, sizeof bytes);
    while (query_next(&rest, &name, &value)) {
        text_put_slice(&t, name);
        text_put_char(&t, ':');
        text_put_slice(&t, value);
        text_put_char(&t, ';');
    }
    expect(&t, expected);
    assert_int_equal(rest.len, 0);
    assert_false(query_next(&rest, &name, &value));
}

static void pairs(void **state) {
    (void)state;
    check_pairs("", "");
    check_pairs("&", "");
    check_pairs("&&&", "");
    check_pairs("a=1", "a:1;");
    check_pairs("a=1&b=2", "a:1;b:2;");
    check_pairs("&a=1&&b=2&", "a:1;b:2;");
    check_pairs("a", "a:;");
    check_pairs("a=", "a:;");
    check_pairs("=1", ":1;");
    check_pairs("=", ":;");
    check_pairs("a=b=c", "a:b=c;");
    check_pairs("a;b=1", "a;b:1;"); /* a semicolon separates nothing */
    check_pairs("%26=%3D&x", "%26:%3D;x:;");
}

static void check_decoded(const char *encoded, const char *expected) {
    struct text t = text_over(bytes, sizeof bytes);
    assert_true(query_decode(of(encoded), &t));
    expect(&t, expected);
}

static void decoding(void **state) {
    (void)state;
    check_decoded("", "");
    check_decoded("abc", "abc");
    check_decoded("a+b%20c%2B", "a b c+");
    check_decoded("%41%4a%4A%61", "AJJa");
    check_decoded("%c3%A9", "\xc3\xa9");
    check_decoded("%25%34%31", "%41"); /* decoded once */
    struct text t = text_over(bytes, sizeof bytes);
    assert_true(query_decode(of("a%00b"), &t));
    assert_int_equal(t.len, 3);
    assert_memory_equal(bytes, "a\0b", 3);
}

static void broken_encoding(void **state) {
    static const char *const broken[] = {"%",   "a%",   "%4",  "a%4", "%4g",
                                         "%g4", "%%41", "%-1", "% 1"};
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct text t = text_over(bytes, sizeof bytes);
        assert_false(query_decode(of(broken[i]), &t));
        assert_false(t.overflow);
    }
    /* What stands behind the slice is not read as part of it. */
    struct text t = text_over(bytes, sizeof bytes);
    assert_false(query_decode((struct slice){"a%41", 3}, &t));
}

static void room(void **state) {
    (void)state;
    struct text t = text_over(bytes, 4);
    assert_true(query_decode(of("a%20bc"), &t));
    expect(&t, "a bc");
    t = text_over(bytes, 3);
    assert_false(query_decode(of("a%20bc"), &t));
    assert_true(t.overflow);
    assert_int_equal(t.len, 3);
}

static void check_get(const char *query, const char *name, enum query_result expected,
                      const char *value) {
    struct text t = text_over(bytes, 8);
    assert_int_equal(query_get(of(query), of(name), &t), expected);
    if (value != NULL) {
        expect(&t, value);
    }
}

static void getting(void **state) {
    (void)state;
    check_get("", "a", QUERY_ABSENT, "");
    check_get("b=1&aa=2", "a", QUERY_ABSENT, "");
    check_get("a", "a", QUERY_FOUND, "");
    check_get("a=", "a", QUERY_FOUND, "");
    check_get("b=1&a=x+y%21", "a", QUERY_FOUND, "x y!");
    check_get("a=1&a=2", "a", QUERY_FOUND, "1");
    check_get("A=1", "a", QUERY_ABSENT, "");
    check_get("a=12345678", "a", QUERY_FOUND, "12345678");
    check_get("a=123456789", "a", QUERY_BROKEN, NULL);
    check_get("a=%zz", "a", QUERY_BROKEN, NULL);
    check_get("a=%zz&a=1", "a", QUERY_BROKEN, NULL);
    check_get("b=%zz&a=1", "a", QUERY_FOUND, "1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs), cmocka_unit_test(decoding), cmocka_unit_test(broken_encoding),
        cmocka_unit_test(room),  cmocka_unit_test(getting),
    };
    return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
