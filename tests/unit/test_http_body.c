/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_http_body.c: the framing of bodies, each whole, cut in two at every place, a byte at a
 * time, with room for a single byte, in place and into another buffer. What comes out, what is
 * left behind the end and what is refused never depends on that.
 */
#include "http/http_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define BYTES(literal) (literal), sizeof(literal) - 1
#define BODY_BYTES_MAX 5000u

struct outcome {
    enum http_body_result result;
    uint32_t used;
    uint32_t written;
    char out[BODY_BYTES_MAX];
    struct problem problem;
};

/* How the bytes come and where they go. */
struct way {
    uint32_t first; /* bytes of the first piece */
    uint32_t step;  /* and of those after it */
    uint32_t room;  /* for each call */
    bool in_place;
};

/* What is there when `used` are taken: the pieces go on where the last one ended. */
static uint32_t there_after(uint32_t there, uint32_t step, uint32_t n) {
    return n - there < step ? n : there + step;
}

static void decode(struct http_body b, const char *bytes, uint32_t n, struct way way,
                   struct outcome *o) {
    uint32_t there = way.first;
    char *buffer = test_malloc(n + 1); /* what came, decoded in place if so asked */
    memcpy(buffer, bytes, n);
    *o = (struct outcome){.result = HTTP_BODY_MORE};
    for (;;) {
        uint32_t used = 99;
        uint32_t written = 99;
        uint32_t room =
            way.room < BODY_BYTES_MAX - o->written ? way.room : BODY_BYTES_MAX - o->written;
        char *out = way.in_place ? buffer + o->written : o->out + o->written;
        o->result = http_body_decode(&b, buffer + o->used, there - o->used, &used, out, room,
                                     &written, &o->problem);
        if (o->result == HTTP_BODY_ERROR) {
            break;
        }
        assert_true(used <= there - o->used && written <= room);
        bool moved = used > 0;
        o->used += used;
        o->written += written;
        if (o->result == HTTP_BODY_DONE || (!moved && there == n)) {
            break;
        }
        if (o->used == there || !moved) {
            there = there_after(there, way.step, n);
        }
    }
    if (way.in_place && o->result != HTTP_BODY_ERROR) {
        memcpy(o->out, buffer, o->written);
        assert_memory_equal(buffer + o->used, bytes + o->used, n - o->used);
    }
    test_free(buffer);
}

static void check_same(const struct outcome *a, const struct outcome *b) {
    assert_int_equal(a->result, b->result);
    if (a->result == HTTP_BODY_ERROR) {
        assert_int_equal(a->problem.line_len, b->problem.line_len);
        assert_memory_equal(a->problem.line, b->problem.line, a->problem.line_len);
        return;
    }
    assert_int_equal(a->used, b->used);
    assert_int_equal(a->written, b->written);
    assert_memory_equal(a->out, b->out, a->written);
}

/* Decodes in every way; `*whole` is what came of it in one piece. */
static void decode_every_way(struct http_body b, const char *bytes, uint32_t n,
                             struct outcome *whole) {
    static struct outcome other;
    decode(b, bytes, n, (struct way){n, n, BODY_BYTES_MAX, false}, whole);
    for (uint32_t i = 0; i < 2; i++) {
        const bool in_place = i == 1;
        for (uint32_t cut = 0; cut <= n; cut++) {
            decode(b, bytes, n, (struct way){cut, n, BODY_BYTES_MAX, in_place}, &other);
            check_same(whole, &other);
        }
        decode(b, bytes, n, (struct way){0, 1, BODY_BYTES_MAX, in_place}, &other);
        check_same(whole, &other);
        decode(b, bytes, n, (struct way){n, n, 1, in_place}, &other);
        check_same(whole, &other);
        decode(b, bytes, n, (struct way){0, 1, 1, in_place}, &other);
        check_same(whole, &other);
        decode(b, bytes, n, (struct way){0, 3, 2, in_place}, &other);
        check_same(whole, &other);
    }
}

static struct http_body chunked(void) {
    struct http_body b;
    memset(&b, 0xa5, sizeof b);
    http_body_init_chunked(&b);
    return b;
}

static struct http_body of_length(uint32_t length) {
    struct http_body b;
    memset(&b, 0xa5, sizeof b);
    http_body_init_length(&b, length);
    return b;
}

/* The body is `body`, and `left` bytes behind it belong to somebody else. */
static void check_body(struct http_body b, const char *bytes, size_t n, const char *body,
                       uint32_t left) {
    static struct outcome o;
    decode_every_way(b, bytes, (uint32_t)n, &o);
    assert_int_equal(o.result, HTTP_BODY_DONE);
    assert_int_equal(o.used, n - left);
    assert_int_equal(o.written, strlen(body));
    assert_memory_equal(o.out, body, o.written);
    /* Before its last byte has come it is not done. */
    for (uint32_t there = 0; there < n - left; there++) {
        decode(b, bytes, there, (struct way){there, there, BODY_BYTES_MAX, false}, &o);
        assert_int_equal(o.result, HTTP_BODY_MORE);
        assert_int_equal(o.used, there);
    }
}

/* ---- Content-Length --------------------------------------------------------------------- */

static void by_length(void **state) {
    static struct outcome o;
    (void)state;
    check_body(of_length(5), BYTES("hello"), "hello", 0);
    check_body(of_length(5), BYTES("helloGET / HTTP/1.1\r\n"), "hello", 16);
    check_body(of_length(1), BYTES("a\0"), "a", 1);
    check_body(of_length(0), BYTES(""), "", 0);
    check_body(of_length(0), BYTES("GET"), "", 3);
    decode_every_way(of_length(UINT32_MAX), BYTES("hello"), &o);
    assert_int_equal(o.result, HTTP_BODY_MORE);
    assert_int_equal(o.written, 5);
}

/* Without room nothing is taken, and nothing is lost. */
static void no_room(void **state) {
    struct http_body b = of_length(3);
    struct problem p;
    uint32_t used = 99;
    uint32_t written = 99;
    char out[4] = "###";
    (void)state;
    assert_int_equal(http_body_decode(&b, "abc", 3, &used, out, 0, &written, &p), HTTP_BODY_MORE);
    assert_int_equal(used, 0);
    assert_int_equal(written, 0);
    assert_int_equal(http_body_decode(&b, "abc", 3, &used, out, 3, &written, &p), HTTP_BODY_DONE);
    assert_string_equal(out, "abc");
    /* Framing needs none: a full buffer can still see the end of a chunked body. */
    b = chunked();
    assert_int_equal(
        http_body_decode(&b, BYTES("3\r\nabc\r\n0\r\n\r\n"), &used, out, 3, &written, &p),
        HTTP_BODY_DONE);
    assert_int_equal(used, 13);
    assert_int_equal(written, 3);
}

/* ---- chunked ---------------------------------------------------------------------------- */

static void by_chunks(void **state) {
    (void)state;
    check_body(chunked(), BYTES("0\r\n\r\n"), "", 0);
    check_body(chunked(), BYTES("000000000\r\n\r\n"), "", 0);
    check_body(chunked(), BYTES("5\r\nhello\r\n0\r\n\r\n"), "hello", 0);
    check_body(chunked(), BYTES("5\r\nhello\r\n0\r\n\r\nGET"), "hello", 3);
    check_body(chunked(), BYTES("1\r\na\r\n2\r\nbc\r\n00003\r\ndef\r\n0\r\n\r\n\r\n"), "abcdef", 2);
    check_body(chunked(), BYTES("A\r\n0123456789\r\na\r\nabcdefghij\r\n0\r\n\r\n"),
               "0123456789abcdefghij", 0);
    /* Data that looks like framing. */
    check_body(chunked(), BYTES("7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n"), "\r\n0\r\n\r\n", 0);
    check_body(chunked(), BYTES("14\r\n01234567890123456789\r\n0\r\n\r\n"), "01234567890123456789",
               0);
    /* Extensions, and blanks that old senders put behind the size. */
    check_body(chunked(), BYTES("1;a\r\nx\r\n1;a=b;c=\"d\"\r\ny\r\n0;z\r\n\r\n"), "xy", 0);
    check_body(chunked(), BYTES("1 \r\nx\r\n1\t ;a\r\ny\r\n0 \r\n\r\n"), "xy", 0);
    /* Trailers */
    check_body(chunked(), BYTES("1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\nGET"), "x", 3);
}

/* The refusal names what is wrong, whatever came before. */
static void check_malformed(const char *bytes, size_t n, const char *says) {
    static struct outcome o;
    char line[PROBLEM_LINE_BYTES + 1];
    decode_every_way(chunked(), bytes, (uint32_t)n, &o);
    if (o.result != HTTP_BODY_ERROR) {
        print_error("%.*s\n", (int)n, bytes);
    }
    assert_int_equal(o.result, HTTP_BODY_ERROR);
    assert_int_equal(o.problem.kind, PROBLEM_MALFORMED);
    memcpy(line, o.problem.line, o.problem.line_len);
    line[o.problem.line_len] = '\0';
    assert_memory_equal(line, "chunked body: ", 14);
    if (strstr(line, says) == NULL) {
        print_error("%.*s: %s\n", (int)n, bytes, line);
    }
    assert_non_null(strstr(line, says));
}

static void malformed_chunks(void **state) {
    (void)state;
    /* Sizes */
    check_malformed(BYTES("\r\n"), "begin with its size");
    check_malformed(BYTES("x"), "begin with its size");
    check_malformed(BYTES(" 5"), "begin with its size");
    check_malformed(BYTES(";a"), "begin with its size");
    check_malformed(BYTES("-5"), "begin with its size");
    check_malformed(BYTES("\n"), "begin with its size");
    check_malformed(BYTES("5g"), "hex digits");
    check_malformed(BYTES("0x5\r\n"), "hex digits");
    check_malformed(BYTES("5\nhello"), "hex digits");
    check_malformed(BYTES("5\0"), "hex digits");
    check_malformed(BYTES("5\rhello"), "CR LF");
    check_malformed(BYTES("5\r\r\n"), "CR LF");
    check_malformed(BYTES("100000000"), "4 GiB");
    check_malformed(BYTES("fffffffff"), "4 GiB");
    check_malformed(BYTES("1\r\nx\r\n\r\n"), "begin with its size");
    /* Data longer or shorter than its size */
    check_malformed(BYTES("5\r\nhelloX\r\n"), "CR LF");
    check_malformed(BYTES("5\r\nhello\n"), "CR LF");
    check_malformed(BYTES("5\r\nhello\rX"), "CR LF");
    check_malformed(BYTES("5\r\nhell\r\n0\r\n\r\n"), "CR LF");
    check_malformed(BYTES("5\r\nhello0\r\n\r\n"), "CR LF");
    /* Extensions and trailers */
    check_malformed(BYTES("5;a\nb"), "control character");
    check_malformed(BYTES("5;a\0b"), "control character");
    check_malformed(BYTES("5;a\x7f"), "control character");
    check_malformed(BYTES("5;a\rb"), "CR LF");
    check_malformed(BYTES("0\r\n\n"), "control character");
    check_malformed(BYTES("0\r\nA: b\n"), "control character");
    check_malformed(BYTES("0\r\nA: \1"), "control character");
    check_malformed(BYTES("0\r\nA: b\rX"), "CR LF");
    check_malformed(BYTES("0\r\nA: b\r\n\rX"), "CR LF");
    check_malformed(BYTES("0\r\n\rX"), "CR LF");
}

/* The largest size there is, and the digits before it that do not count. */
static void largest_chunk(void **state) {
    static struct outcome o;
    (void)state;
    decode_every_way(chunked(), BYTES("00000000ffffffff\r\nhello"), &o);
    assert_int_equal(o.result, HTTP_BODY_MORE);
    assert_int_equal(o.written, 5);
    decode_every_way(chunked(), BYTES("FFFFFFFF\r\n"), &o);
    assert_int_equal(o.result, HTTP_BODY_MORE);
}

static enum http_body_result result_of(const char *bytes, uint32_t n) {
    static struct outcome o;
    decode(chunked(), bytes, n, (struct way){0, 7, 100, false}, &o);
    return o.result;
}

/* What is passed over is bounded: the line of a chunk's size, be it digits that say nothing or an
 * extension, and all trailers together. */
static void long_lines(void **state) {
    static char bytes[BODY_BYTES_MAX];
    (void)state;
    for (uint32_t over = 0; over < 2; over++) {
        const enum http_body_result expected = over ? HTTP_BODY_ERROR : HTTP_BODY_DONE;
        struct text t = text_over(bytes, sizeof bytes);
        text_put_char(&t, '1');
        text_put_char(&t, ';');
        for (uint32_t i = 0; i < 1022 + over; i++) {
            text_put_char(&t, 'a');
        }
        text_puts(&t, "\r\nx\r\n0\r\n\r\n");
        assert_int_equal(result_of(bytes, t.len), expected);
        t.len = 0;
        for (uint32_t i = 0; i < 1023 + over; i++) {
            text_put_char(&t, '0');
        }
        text_puts(&t, "1\r\nx\r\n0\r\n\r\n");
        assert_int_equal(result_of(bytes, t.len), expected);
        t.len = 0;
        text_puts(&t, "0\r\n");
        for (uint32_t i = 0; i < 1024 / 16; i++) {
            text_puts(&t, "a: 3456789012345\r\n"); /* 16 bytes, line ends are not counted */
        }
        text_puts(&t, over ? "a\r\n\r\n" : "\r\n");
        assert_int_equal(result_of(bytes, t.len), expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_length),     cmocka_unit_test(no_room),
        cmocka_unit_test(by_chunks),     cmocka_unit_test(malformed_chunks),
        cmocka_unit_test(largest_chunk), cmocka_unit_test(long_lines),
    };
    return cmocka_run_group_tests_name("http_body", tests, NULL, NULL);
}
