/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_text.c: slices, and text built in a buffer that may be too small.
 */
#include "text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct slice of(const char *string) {
    return (struct slice){string, (uint32_t)strlen(string)};
}

/* ---- slices ----------------------------------------------------------------------------- */

static void equality(void **state) {
    (void)state;
    assert_true(slice_equals(of("abc"), of("abc")));
    assert_true(slice_equals(of(""), SLICE("")));
    assert_false(slice_equals(of("abc"), of("abC")));
    assert_false(slice_equals(of("abc"), of("ab")));
    assert_false(slice_equals(of("ab"), of("abc")));
    assert_true(slice_equals_nocase(of("Content-Type"), of("cONTENT-tYPE")));
    assert_false(slice_equals_nocase(of("abc"), of("abcd")));
    /* The neighbours of the letters are not letters. */
    assert_false(slice_equals_nocase(of("@"), of("`")));
    assert_false(slice_equals_nocase(of("["), of("{")));
    assert_false(slice_equals_nocase(of("\xc4"), of("\xe4")));
    for (uint32_t i = 0; i < 10; i++) {
        char other[] = "Abcdefghij";
        other[i] ^= 0x20;
        assert_true(slice_equals_nocase(of("Abcdefghij"), of(other)));
        other[i] = '-';
        assert_false(slice_equals_nocase(of("Abcdefghij"), of(other)));
    }
    assert_true(slice_starts_with(of("abc"), of("")));
    assert_true(slice_starts_with(of("abc"), of("abc")));
    assert_false(slice_starts_with(of("abc"), of("abcd")));
    assert_false(slice_starts_with(of("abc"), of("b")));
}

static void trimming(void **state) {
    (void)state;
    assert_true(slice_equals(slice_trim(of(" \t a b\t ")), of("a b")));
    assert_true(slice_equals(slice_trim(of("a")), of("a")));
    assert_true(slice_equals(slice_trim(of("\r\na")), of("\r\na"))); /* OWS is blank and tab only */
    assert_int_equal(slice_trim(of(" \t ")).len, 0);
    assert_int_equal(slice_trim(of("")).len, 0);
}

static void cutting(void **state) {
    struct slice rest = of("a,,b");
    (void)state;
    assert_true(slice_equals(slice_cut(&rest, ','), of("a")));
    assert_true(slice_equals(slice_cut(&rest, ','), of("")));
    assert_true(slice_equals(rest, of("b")));
    assert_true(slice_equals(slice_cut(&rest, ','), of("b")));
    assert_int_equal(rest.len, 0);
    assert_int_equal(slice_cut(&rest, ',').len, 0);
    rest = of("a,");
    assert_true(slice_equals(slice_cut(&rest, ','), of("a")));
    assert_int_equal(rest.len, 0);
    rest = of(",a");
    assert_int_equal(slice_cut(&rest, ',').len, 0);
    assert_true(slice_equals(rest, of("a")));
}

static void numbers(void **state) {
    uint32_t value = 7;
    (void)state;
    assert_true(slice_to_u32(of("0"), UINT32_MAX, &value));
    assert_int_equal(value, 0);
    assert_true(slice_to_u32(of("4294967295"), UINT32_MAX, &value));
    assert_int_equal(value, UINT32_MAX);
    assert_true(slice_to_u32(of("000000000000000000000012"), 12, &value));
    assert_int_equal(value, 12);
    value = 7;
    static const char *const refused[] = {
        "",    "4294967296", "18446744073709551616",       "-1", "+1", " 1", "1 ", "1x",
        "0x1", "1e3",        "99999999999999999999999999",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_false(slice_to_u32(of(refused[i]), UINT32_MAX, &value));
    }
    assert_false(slice_to_u32(of("13"), 12, &value));
    assert_int_equal(value, 7);
}

static void hex_digits(void **state) {
    (void)state;
    for (int c = -128; c < 128; c++) {
        static const char digits[] = "0123456789abcdef";
        static const char capitals[] = "0123456789ABCDEF";
        int expected = -1;
        for (int i = 0; i < 16; i++) {
            if (c == digits[i] || c == capitals[i]) {
                expected = i;
            }
        }
        assert_int_equal(text_hex_digit((char)c), expected);
    }
}

/* ---- UTF-8 ------------------------------------------------------------------------------ */

/* RFC 3629 section 4, said once more in the plain way: decode, then judge the value. */
static uint32_t utf8_error_reference(const uint8_t *bytes, uint32_t n) {
    uint32_t i = 0;
    while (i < n) {
        static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        uint32_t more = bytes[i] < 0x80   ? 0
                        : bytes[i] < 0xc0 ? 9
                        : bytes[i] < 0xe0 ? 1
                        : bytes[i] < 0xf0 ? 2
                        : bytes[i] < 0xf8 ? 3
                                          : 9;
        if (more == 9 || i + more >= n) {
            return i;
        }
        uint32_t value = more == 0 ? bytes[i] : bytes[i] & (0x3fu >> more);
        for (uint32_t k = 1; k <= more; k++) {
            if (bytes[i + k] >> 6 != 2) {
                return i;
            }
            value = value << 6 | (bytes[i + k] & 0x3fu);
        }
        if (value < least[more] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) {
            return i;
        }
        i += more + 1;
    }
    return n;
}

static void check_utf8(const uint8_t *bytes, uint32_t n) {
    uint32_t found = slice_utf8_error((struct slice){(const char *)bytes, n});
    uint32_t expected = utf8_error_reference(bytes, n);
    if (found != expected) {
        print_error("%02x %02x %02x %02x, %u bytes\n", bytes[0], n > 1 ? bytes[1] : 0,
                    n > 2 ? bytes[2] : 0, n > 3 ? bytes[3] : 0, n);
    }
    assert_int_equal(found, expected);
}

static void utf8_against_reference(void **state) {
    /* Continuation bytes are told apart at these places and nowhere else. */
    static const uint8_t edges[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
    const uint32_t n = sizeof edges;
    (void)state;
    for (uint32_t lead = 0; lead < 256; lead++) {
        uint8_t bytes[4] = {(uint8_t)lead, 0, 0, 0};
        check_utf8(bytes, 1);
        for (uint32_t i = 0; i < n * n * n; i++) {
            bytes[1] = edges[i % n];
            bytes[2] = edges[i / n % n];
            bytes[3] = edges[i / n / n];
            for (uint32_t len = 2; len <= 4; len++) {
                check_utf8(bytes, len);
            }
        }
    }
    struct slice good = of("gr\xc3\xbc\xc3\x9f dich, \xe4\xb8\x96\xe7\x95\x8c");
    assert_int_equal(slice_utf8_error(good), good.len);
    assert_int_equal(slice_utf8_error(of("ab\xff")), 2);
    assert_int_equal(slice_utf8_error(of("")), 0);
    for (uint32_t i = 0; i < 10; i++) {
        char bytes[] = "abcdefghij";
        bytes[i] = '\xff';
        assert_int_equal(slice_utf8_error(of(bytes)), i);
    }
}

/* ---- building text ---------------------------------------------------------------------- */

static char bytes[512];

static struct text fresh(uint32_t capacity) {
    memset(bytes, '#', sizeof bytes);
    return text_over(bytes, capacity);
}

static void expect(const struct text *t, const char *expected) {
    assert_true(t->len <= t->capacity);
    assert_int_equal(t->len, strlen(expected));
    assert_memory_equal(t->bytes, expected, t->len);
    assert_int_equal(bytes[t->capacity], '#');
}

static void overflow_keeps_what_fits(void **state) {
    (void)state;
    struct text t = fresh(5);
    text_puts(&t, "abc");
    text_puts(&t, "de");
    assert_false(t.overflow);
    assert_int_equal(text_room(&t), 0);
    text_puts(&t, "");
    assert_false(t.overflow);
    text_put_char(&t, 'f');
    assert_true(t.overflow);
    expect(&t, "abcde");
    t = fresh(4);
    text_put_slice(&t, SLICE("abcde"));
    assert_true(t.overflow);
    expect(&t, "abcd");
    t = fresh(0);
    text_put_char(&t, 'a');
    assert_true(t.overflow);
    expect(&t, "");
}

static void decimal(void **state) {
    static const uint64_t values[] = {0,
                                      1,
                                      9,
                                      10,
                                      99,
                                      100,
                                      4294967295u,
                                      4294967296u,
                                      4294967297,
                                      42949672960,
                                      9999999999,
                                      10000000000,
                                      999,
                                      1000000000,
                                      5000000000,
                                      1000000000000000000,
                                      1000000000000000001u,
                                      4294967296000000000u,
                                      9999999999999999999u,
                                      10000000000000000000u};
    char expected[32];
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct text t = fresh(32);
        text_put_u64(&t, values[i]);
        (void)snprintf(expected, sizeof expected, "%llu", (unsigned long long)values[i]);
        expect(&t, expected);
    }
    for (uint32_t i = 0; i < 100100; i++) {
        const uint32_t value = i < 100000 ? i : UINT32_MAX - (i - 100000);
        struct text t = fresh(32);
        text_put_u64(&t, value);
        (void)snprintf(expected, sizeof expected, "%u", value);
        expect(&t, expected);
    }
    struct text t = fresh(32);
    text_put_u64(&t, UINT64_MAX);
    expect(&t, "18446744073709551615");
    t = fresh(32);
    text_put_digits(&t, 7, 3);
    text_put_char(&t, ' ');
    text_put_digits(&t, 0, 1);
    text_put_char(&t, ' ');
    text_put_digits(&t, 1234, 2);
    expect(&t, "007 0 1234");
    t = fresh(32);
    text_put_digits(&t, 5, 20);
    expect(&t, "00000000000000000005");
    t = fresh(32);
    text_put_digits(&t, UINT64_MAX, 20);
    expect(&t, "18446744073709551615");
}

static void printable(void **state) {
    (void)state;
    struct text t = fresh(100);
    text_put_printable(&t, of("a\tb\r\n\x01\x7f\xff\xc3(\xc3\xa9"), 100);
    expect(&t, "a?b?????"
               "?(\xc3\xa9");
    t = fresh(100);
    text_put_printable(&t, of("abcdef"), 6);
    expect(&t, "abcdef");
    t = fresh(100);
    text_put_printable(&t, of("abcdefg"), 6);
    expect(&t, "abcdef...");
    /* A sequence is shown whole or not at all. */
    t = fresh(100);
    text_put_printable(&t, of("abcde\xc3\xa9"), 6);
    expect(&t, "abcde...");
    t = fresh(100);
    text_put_printable(&t, of("abcd\xe4\xb8"), 100);
    expect(&t, "abcd??");
    /* C1 controls, separators of lines, changes of direction; a blank that does not break is none. */
    t = fresh(100);
    text_put_printable(&t, of("\xc2\x9b|\xe2\x80\xa8|\xe2\x80\xae|\xe2\x81\xa6|\xc2\xa0"), 100);
    expect(&t, "?|?|?|?|\xc2\xa0");
}

static void hexadecimal(void **state) {
    (void)state;
    struct text t = fresh(32);
    text_put_hex(&t, 0x12af, 4);
    text_put_hex(&t, 0xdeadbeef, 8);
    text_put_hex(&t, 0x1af, 2);
    text_put_hex(&t, 1, 0);
    expect(&t, "12afdeadbeefaf");
}

static void format(void **state) {
    (void)state;
    struct text t = fresh(200);
    text_format(&t, "%s: %u of %u, %llu%% %02u:%03u %s", "x%u", 7u, UINT32_MAX,
                (unsigned long long)UINT64_MAX, 5u, 1234u, "");
    expect(&t, "x%u: 7 of 4294967295, 18446744073709551615% 05:1234 ");
    t = fresh(200);
    text_format(&t, "%llu %u %llu", 1ull, 2u, 3ull);
    expect(&t, "1 2 3");
    /* A slice comes from outside: printable, and cut. */
    char outside[TEXT_FORMAT_SLICE_BYTES + 1];
    memset(outside, 'a', sizeof outside);
    outside[0] = '\n';
    struct slice s = {outside, TEXT_FORMAT_SLICE_BYTES};
    t = fresh(200);
    text_format(&t, "<%.*s>", TEXT_SLICE(s));
    assert_int_equal(t.len, TEXT_FORMAT_SLICE_BYTES + 2);
    assert_memory_equal(t.bytes, "<?a", 3);
    s.len++;
    t = fresh(200);
    text_format(&t, "<%.*s>", TEXT_SLICE(s));
    assert_int_equal(t.len, TEXT_FORMAT_SLICE_BYTES + 5);
    assert_memory_equal(t.bytes + t.len - 5, "a...>", 5);
    t = fresh(5);
    text_format(&t, "ab%scd", "12");
    expect(&t, "ab12c");
    assert_true(t.overflow);
}

/* Every byte at every place of a word, after none or some that are plain. */
static void plain_run(void **state) {
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        const bool plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
        for (uint32_t len = 1; len <= 20; len++) {
            for (uint32_t at = 0; at < len; at++) {
                char word[20];
                memset(word, '!', sizeof word);
                word[at] = (char)byte;
                assert_int_equal(text_plain_run(word, len), plain ? len : at);
            }
        }
    }
    assert_int_equal(text_plain_run("", 0), 0);
}

static void label_value(void **state) {
    (void)state;
    struct text t = fresh(100);
    text_put_label_value(&t, of("a\\b\"c\nd\t\xc3\xa9"));
    expect(&t, "a\\\\b\\\"c\\nd\t\xc3\xa9");
    t = fresh(100);
    text_put_label_value(&t, of("\n"));
    expect(&t, "\\n");
    t = fresh(100);
    text_put_label_value(&t, of(""));
    expect(&t, "");
}

static void json_string(void **state) {
    (void)state;
    struct text t = fresh(100);
    text_put_json(&t, (struct slice){"a\"\\\n\x1f\0/\x7f\xc3\xa9", 10});
    expect(&t, "a\\\"\\\\\\u000a\\u001f\\u0000/\x7f\xc3\xa9");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality),
        cmocka_unit_test(trimming),
        cmocka_unit_test(cutting),
        cmocka_unit_test(numbers),
        cmocka_unit_test(hex_digits),
        cmocka_unit_test(utf8_against_reference),
        cmocka_unit_test(overflow_keeps_what_fits),
        cmocka_unit_test(decimal),
        cmocka_unit_test(printable),
        cmocka_unit_test(hexadecimal),
        cmocka_unit_test(format),
        cmocka_unit_test(plain_run),
        cmocka_unit_test(label_value),
        cmocka_unit_test(json_string),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
