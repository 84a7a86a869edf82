/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_http_parser.c: heads of requests, each whole, a byte at a time and cut in two at every
 * place: what is read, and what is refused with which words, never depends on how it came.
 */
#include "http/http_parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* Bytes that may hold a NUL. */
#define BYTES(literal) (literal), sizeof(literal) - 1
#define HOST "Host: a\r\n"

struct outcome {
    enum http_parser_result result;
    uint32_t head_bytes;
    enum http_status status;
    struct problem problem;
    struct http_parser parser;
};

/* A buffer of its own size each time, so that a read beyond what is there is seen. */
static struct outcome parse(const char *bytes, uint32_t n, uint32_t step, uint32_t first) {
    struct outcome o = {.result = HTTP_PARSER_MORE, .status = HTTP_STATUS_COUNT};
    uint32_t there = first;
    http_parser_init(&o.parser);
    for (;;) {
        char *buffer = test_malloc(there + 1);
        memcpy(buffer, bytes, there);
        o.result = http_parser_run(&o.parser, buffer, there, &o.head_bytes, &o.status, &o.problem);
        test_free(buffer);
        if (o.result != HTTP_PARSER_MORE || there == n) {
            return o;
        }
        there = n - there < step ? n : there + step;
    }
}

static void check_same(const struct outcome *a, const struct outcome *b) {
    assert_int_equal(a->result, b->result);
    if (a->result == HTTP_PARSER_ERROR) {
        assert_int_equal(a->status, b->status);
        assert_int_equal(a->problem.line_len, b->problem.line_len);
        assert_memory_equal(a->problem.line, b->problem.line, a->problem.line_len);
    } else {
        assert_int_equal(a->head_bytes, b->head_bytes);
        assert_memory_equal(&a->parser.head, &b->parser.head, sizeof a->parser.head);
    }
}

/* Parses in every way and returns what came of it whole. */
static struct outcome parse_every_way(const char *bytes, uint32_t n) {
    struct outcome whole = parse(bytes, n, n, n);
    struct outcome other = parse(bytes, n, 1, 0);
    check_same(&whole, &other);
    for (uint32_t cut = 0; cut <= n; cut++) {
        other = parse(bytes, n, n, cut);
        check_same(&whole, &other);
    }
    return whole;
}

/* ---- what is read ----------------------------------------------------------------------- */

static void put_part(struct text *t, const char *name, const char *bytes, struct http_part part) {
    if (part.len > 0) {
        text_puts(t, name);
        text_put(t, bytes + part.offset, part.len);
    }
}

/* Everything that was read, as one line. */
static void describe(struct text *t, const char *bytes, const struct http_head *h) {
    static const char *const fields[HTTP_FIELD_COUNT] = {
        " accept=",  " encoding=", " type=",      " key=",
        " timeout=", " agent=",    " forwarded=", " real=",
    };
    text_puts(t, h->method == HTTP_METHOD_GET      ? "GET"
                 : h->method == HTTP_METHOD_HEAD   ? "HEAD"
                 : h->method == HTTP_METHOD_POST   ? "POST"
                 : h->method == HTTP_METHOD_DELETE ? "DELETE"
                 : h->method == HTTP_METHOD_OTHER  ? "OTHER"
                                                   : "?");
    text_puts(t, h->minor_version == 0 ? " 1.0" : " 1.1");
    put_part(t, " ", bytes, h->path);
    put_part(t, "?", bytes, h->query);
    text_puts(t, h->keep_alive ? " keep" : " close");
    if (h->has_length) {
        text_puts(t, " length=");
        text_put_u64(t, h->content_length);
    }
    text_puts(t, h->chunked ? " chunked" : "");
    text_puts(t, h->expect_continue ? " expect" : "");
    for (uint32_t i = 0; i < HTTP_FIELD_COUNT; i++) {
        put_part(t, fields[i], bytes, h->field[i]);
    }
}

static void check_accepted(const char *bytes, uint32_t n, const char *expected) {
    char line[1024];
    struct text t = text_over(line, sizeof line - 1);
    struct outcome o = parse_every_way(bytes, n);
    if (o.result != HTTP_PARSER_DONE) {
        print_error("%.*s: %d, %.*s\n", (int)n, bytes, (int)o.result, (int)o.problem.line_len,
                    o.problem.line);
    }
    assert_int_equal(o.result, HTTP_PARSER_DONE);
    assert_int_equal(o.head_bytes, n);
    describe(&t, bytes, &o.parser.head);
    line[t.len] = '\0';
    assert_string_equal(line, expected);
    /* Every prefix waits for more. */
    for (uint32_t len = 0; len < n; len++) {
        assert_int_equal(parse(bytes, len, len, len).result, HTTP_PARSER_MORE);
    }
    /* And what stands behind the head is left alone. */
    char *more = test_malloc(n + 5);
    memcpy(more, bytes, n);
    memcpy(more + n, "\r\nG\0\r", 5);
    o = parse_every_way(more, n + 5);
    assert_int_equal(o.result, HTTP_PARSER_DONE);
    assert_int_equal(o.head_bytes, n);
    test_free(more);
}

static const struct {
    const char *head;
    size_t n;
    const char *expected;
} accepted[] = {
    {BYTES("GET / HTTP/1.1\r\n" HOST "\r\n"), "GET 1.1 / keep"},
    {BYTES("HEAD /metrics HTTP/1.1\r\n" HOST "\r\n"), "HEAD 1.1 /metrics keep"},
    {BYTES("DELETE /metrics/x HTTP/1.1\r\n" HOST "\r\n"), "DELETE 1.1 /metrics/x keep"},
    {BYTES("BREW /pot HTTP/1.1\r\n" HOST "\r\n"), "OTHER 1.1 /pot keep"},
    {BYTES("get / HTTP/1.1\r\n" HOST "\r\n"), "OTHER 1.1 / keep"},
    {BYTES("!#$%&'*+-.^_`|~09azAZ / HTTP/1.1\r\n" HOST "\r\n"), "OTHER 1.1 / keep"},
    {BYTES("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), "OTHER 1.1 * keep"},
    /* Empty lines before a request: RFC 9112 section 2.2. */
    {BYTES("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n"), "GET 1.1 / keep"},
    /* Versions */
    {BYTES("GET / HTTP/1.0\r\n\r\n"), "GET 1.0 / close"},
    {BYTES("GET / HTTP/1.9\r\n" HOST "\r\n"), "GET 1.1 / keep"},
    /* Targets */
    {BYTES("GET /a?b=c&d HTTP/1.1\r\n" HOST "\r\n"), "GET 1.1 /a?b=c&d keep"},
    {BYTES("GET /a? HTTP/1.1\r\n" HOST "\r\n"), "GET 1.1 /a keep"},
    {BYTES("GET /a?b?c HTTP/1.1\r\n" HOST "\r\n"), "GET 1.1 /a?b?c keep"},
    {BYTES("GET /%zz HTTP/1.1\r\n" HOST "\r\n"), "GET 1.1 /%zz keep"}, /* decoding comes later */
    {BYTES("GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n"), "GET 1.1 /\xc3\xa9 keep"},
    {BYTES("GET http://a/b?c HTTP/1.1\r\n" HOST "\r\n"), "GET 1.1 /b?c keep"},
    {BYTES("GET http://a:80 HTTP/1.1\r\n" HOST "\r\n"), "GET 1.1 keep"},
    {BYTES("GET https://a?b HTTP/1.1\r\n" HOST "\r\n"), "GET 1.1?b keep"},
    /* Connection */
    {BYTES("GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"), "GET 1.1 / close"},
    {BYTES("GET / HTTP/1.1\r\n" HOST "connection:foo,\tCLOSE \r\n\r\n"), "GET 1.1 / close"},
    {BYTES("GET / HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n"), "GET 1.1 / keep"},
    {BYTES("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), "GET 1.0 / keep"},
    {BYTES("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"), "GET 1.0 / close"},
    /* Framing */
    {BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n"), "POST 1.1 / keep length=5"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"), "POST 1.1 / keep length=0"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length:\t4294967295 \r\n\r\n"),
     "POST 1.1 / keep length=4294967295"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\n"), "POST 1.1 / keep length=5"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\ncontent-length: 05\r\n\r\n"),
     "POST 1.1 / keep length=5"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"),
     "POST 1.1 / keep chunked"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\n\r\n"), "POST 1.1 / keep expect"},
    {BYTES("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"), "POST 1.0 / close"},
    /* Fields that are kept */
    {BYTES("GET / HTTP/1.1\r\n" HOST "ACCEPT: a\r\nContent-Encoding: b\r\nContent-Type: c\r\n"
           "X-Prometheus-Scrape-Timeout-Seconds: d\r\nUser-Agent: e\r\nX-Forwarded-For: f\r\n"
           "X-Real-IP: g\r\nIdempotency-key: \"h\"\r\n\r\n"),
     "GET 1.1 / keep accept=a encoding=b type=c key=\"h\" timeout=d agent=e forwarded=f real=g"},
    {BYTES("GET / HTTP/1.1\r\n" HOST "Accept: \t a b \t\r\nUser-Agent:\r\nX: \xff\r\n\r\n"),
     "GET 1.1 / keep accept=a b"},
    {BYTES("GET / HTTP/1.1\r\nHost:\r\n\r\n"), "GET 1.1 / keep"}, /* empty, but given */
    {BYTES("GET / HTTP/1.1\r\n" HOST "Accept: a:b::c\r\n\r\n"), "GET 1.1 / keep accept=a:b::c"},
    /* As Prometheus and VictoriaMetrics ask. */
    {BYTES("GET /metrics HTTP/1.1\r\nHost: 192.168.76.2:8090\r\n"
           "User-Agent: Prometheus/2.42.0+ds\r\nAccept: application/openmetrics-text;version=1.0.0,"
           "*/*;q=0.1\r\nAccept-Encoding: gzip\r\n"
           "X-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n"),
     "GET 1.1 /metrics keep accept=application/openmetrics-text;version=1.0.0,*/*;q=0.1 timeout=10 "
     "agent=Prometheus/2.42.0+ds"},
    {BYTES("GET /metrics HTTP/1.1\r\nUser-Agent: vm_promscrape\r\nHost: 192.168.76.2:8090\r\n"
           "Accept: text/plain;version=0.0.4;q=1,*/*;q=0.1\r\n"
           "X-Prometheus-Scrape-Timeout-Seconds: 10.000\r\nAccept-Encoding: gzip\r\n\r\n"),
     "GET 1.1 /metrics keep accept=text/plain;version=0.0.4;q=1,*/*;q=0.1 timeout=10.000 "
     "agent=vm_promscrape"},
};

static void what_is_accepted(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
        check_accepted(accepted[i].head, (uint32_t)accepted[i].n, accepted[i].expected);
    }
}

/* No key, none in the field, and more than one are told apart by where the field stands. */
static void idempotency_keys(void **state) {
    static const struct {
        const char *fields;
        bool given;
        uint16_t len;
    } cases[] = {
        {"", false, 0},
        {"Idempotency-Keys: a\r\n", false, 0},
        {"Idempotency-Key: a\r\n", true, 1},
        {"Idempotency-Key:\r\n", true, 0},
        {"Idempotency-Key: \t \r\n", true, 0},
        {"Idempotency-Key: a\r\nIdempotency-Key: a\r\n", true, 0},
        {"Idempotency-Key: a\r\nidempotency-key: b\r\nIDEMPOTENCY-KEY: c\r\n", true, 0},
        {"Idempotency-Key:\r\nIdempotency-Key: b\r\n", true, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char head[256];
        int n = snprintf(head, sizeof head, "POST / HTTP/1.1\r\n" HOST "%s\r\n", cases[i].fields);
        struct outcome o = parse_every_way(head, (uint32_t)n);
        const struct http_part part = o.parser.head.field[HTTP_FIELD_IDEMPOTENCY_KEY];
        assert_int_equal(o.result, HTTP_PARSER_DONE);
        assert_int_equal(part.offset != 0, cases[i].given);
        assert_int_equal(part.len, cases[i].len);
    }
}

/* ---- what is refused -------------------------------------------------------------------- */

/* SPEC section 2's table, as far as it is about heads. `says` is part of the line. */
static const struct {
    const char *head;
    size_t n;
    enum http_status status;
    const char *says;
} refused[] = {
    /* The request line */
    {BYTES("GET\r\n"), HTTP_BAD_REQUEST, "a method, a target and HTTP/1.1"},
    {BYTES("GET /\r\n"), HTTP_BAD_REQUEST, "a method, a target and HTTP/1.1"},
    {BYTES("GET HTTP/1.1\r\n"), HTTP_BAD_REQUEST, "a method, a target and HTTP/1.1"},
    {BYTES("GET  / HTTP/1.1\r\n"), HTTP_BAD_REQUEST, "one blank between"},
    {BYTES("GET /  HTTP/1.1\r\n"), HTTP_BAD_REQUEST, "one blank between"},
    {BYTES("GET / HTTP/1.1 \r\n"), HTTP_BAD_REQUEST, "one blank between"},
    {BYTES("GET /a b HTTP/1.1\r\n"), HTTP_BAD_REQUEST, "one blank between"},
    {BYTES("GET\t/\tHTTP/1.1\r\n"), HTTP_BAD_REQUEST, "one blank between"},
    {BYTES("GET /a\tb HTTP/1.1\r\n"), HTTP_BAD_REQUEST, "one blank between"},
    {BYTES(" GET / HTTP/1.1\r\n"), HTTP_BAD_REQUEST, "begin with a method"},
    {BYTES("G(T / HTTP/1.1\r\n"), HTTP_BAD_REQUEST, "a method"},
    {BYTES("GET / http/1.1\r\n"), HTTP_BAD_REQUEST, "HTTP/1.1"},
    {BYTES("GET / HTTP/1\r\n"), HTTP_BAD_REQUEST, "HTTP/1.1"},
    {BYTES("GET / HTTP/1.10\r\n"), HTTP_BAD_REQUEST, "HTTP/1.1"},
    {BYTES("GET / HTTP/1,1\r\n"), HTTP_BAD_REQUEST, "HTTP/1.1"},
    {BYTES("GET / HTTP/x.1\r\n"), HTTP_BAD_REQUEST, "HTTP/1.1"},
    {BYTES("GET / HTTP/1.x\r\n"), HTTP_BAD_REQUEST, "HTTP/1.1"},
    {BYTES("GET a HTTP/1.1\r\n"), HTTP_BAD_REQUEST, "begin with '/'"},
    {BYTES("GET *a HTTP/1.1\r\n"), HTTP_BAD_REQUEST, "begin with '/'"},
    {BYTES("GET ftp://a/ HTTP/1.1\r\n"), HTTP_BAD_REQUEST, "begin with '/'"},
    {BYTES("CONNECT a:1 HTTP/1.1\r\n"), HTTP_BAD_REQUEST, "begin with '/'"},
    {BYTES("GET /a#b HTTP/1.1\r\n"), HTTP_BAD_REQUEST, "%23"},
    {BYTES("\x16\x03\x01\x02"), HTTP_BAD_REQUEST, "not TLS"},
    {BYTES("\0"), HTTP_BAD_REQUEST, "begin with a method"},
    {BYTES("{\"a\":1}"), HTTP_BAD_REQUEST, "begin with a method"},
    {BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1"},
    {BYTES("GET / HTTP/2.0\r\n"), HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1"},
    {BYTES("GET / HTTP/3.0\r\n"), HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1"},
    {BYTES("GET / HTTP/0.9\r\n"), HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1"},
    /* Line ends, NUL, control characters */
    {BYTES("GET / HTTP/1.1\n"), HTTP_BAD_REQUEST, "CR LF"},
    {BYTES("\nGET / HTTP/1.1\r\n"), HTTP_BAD_REQUEST, "CR LF"},
    {BYTES("GET / HTTP/1.1\r\nHost: a\n"), HTTP_BAD_REQUEST, "CR LF"},
    {BYTES("GET / HTTP/1.1\r\n" HOST "\n"), HTTP_BAD_REQUEST, "CR LF"},
    {BYTES("GET / HTTP/1.1\rHost: a\r\n"), HTTP_BAD_REQUEST, "one blank between"},
    {BYTES("\rGET / HTTP/1.1\r\n"), HTTP_BAD_REQUEST, "one blank between"},
    {BYTES("GET /\0 HTTP/1.1\r\n"), HTTP_BAD_REQUEST, "one blank between"},
    {BYTES("GET /\x7f HTTP/1.1\r\n"), HTTP_BAD_REQUEST, "one blank between"},
    {BYTES("GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n"), HTTP_BAD_REQUEST, "line 2: control"},
    {BYTES("GET / HTTP/1.1\r\n" HOST "A: b\r\r\n"), HTTP_BAD_REQUEST, "line 2: control"},
    {BYTES("GET / HTTP/1.1\r\n" HOST "A: b\0\r\n"), HTTP_BAD_REQUEST, "line 2: control"},
    {BYTES("GET / HTTP/1.1\r\n" HOST "A: b\x7f\r\n"), HTTP_BAD_REQUEST, "line 2: control"},
    {BYTES("GET / HTTP/1.1\r\n" HOST "A\0: b\r\n"), HTTP_BAD_REQUEST, "line 2: the name"},
    /* Fields */
    {BYTES("GET / HTTP/1.1\r\nnonsense\r\n"), HTTP_BAD_REQUEST, "line 1: no colon"},
    {BYTES("GET / HTTP/1.1\r\n" HOST ": a\r\n"), HTTP_BAD_REQUEST, "line 2: the name"},
    {BYTES("GET / HTTP/1.1\r\nHost : a\r\n"), HTTP_BAD_REQUEST, "line 1: the name"},
    {BYTES("GET / HTTP/1.1\r\n" HOST "a b: c\r\n"), HTTP_BAD_REQUEST, "line 2: the name"},
    {BYTES("GET / HTTP/1.1\r\n" HOST " folded\r\n"), HTTP_BAD_REQUEST, "line 2: begins with"},
    {BYTES("GET / HTTP/1.1\r\n" HOST "\tfolded: x\r\n"), HTTP_BAD_REQUEST, "line 2: begins with"},
    {BYTES("GET / HTTP/1.1\r\n\r\n"), HTTP_BAD_REQUEST, "Host"},
    {BYTES("GET / HTTP/1.1\r\n" HOST HOST), HTTP_BAD_REQUEST, "Host must be given once"},
    {BYTES("GET / HTTP/1.1\r\nHost: a b\r\n"), HTTP_BAD_REQUEST, "Host must be given once"},
    {BYTES("GET / HTTP/1.1\r\n" HOST "Expect: miracles\r\n"), HTTP_EXPECTATION_FAILED,
     "100-continue"},
    /* Framing */
    {BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n"), HTTP_BAD_REQUEST, "decimal"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n"), HTTP_BAD_REQUEST, "decimal"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n"), HTTP_BAD_REQUEST, "decimal"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 0x1\r\n"), HTTP_BAD_REQUEST, "decimal"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 1 1\r\n"), HTTP_BAD_REQUEST, "decimal"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 1,,1\r\n"), HTTP_BAD_REQUEST, "decimal"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 5,\r\n"), HTTP_BAD_REQUEST, "decimal"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: ,5\r\n"), HTTP_BAD_REQUEST, "decimal"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 1, 2\r\n"), HTTP_BAD_REQUEST, "different"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n"),
     HTTP_BAD_REQUEST, "line 3: several different"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 4294967296\r\n"), HTTP_CONTENT_TOO_LARGE,
     "4 GiB"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n"),
     HTTP_CONTENT_TOO_LARGE, "4 GiB"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
     HTTP_BAD_REQUEST, "both"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
     HTTP_BAD_REQUEST, "both"},
    {BYTES("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), HTTP_BAD_REQUEST,
     "needs HTTP/1.1"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n"), HTTP_NOT_IMPLEMENTED,
     "chunked"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n"), HTTP_NOT_IMPLEMENTED,
     "chunked"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n"), HTTP_NOT_IMPLEMENTED,
     "chunked"},
    {BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: \r\n"), HTTP_NOT_IMPLEMENTED, "chunked"},
    {BYTES("POST / HTTP/1.1\r\n" HOST
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
     HTTP_NOT_IMPLEMENTED, "once"},
};

static bool contains(const struct problem *p, const char *part) {
    size_t n = strlen(part);
    for (size_t i = 0; i + n <= p->line_len; i++) {
        if (memcmp(p->line + i, part, n) == 0) {
            return true;
        }
    }
    return false;
}

static void check_refused(const char *bytes, uint32_t n, enum http_status status,
                          const char *says) {
    struct outcome o = parse_every_way(bytes, n);
    if (o.result != HTTP_PARSER_ERROR || o.status != status || !contains(&o.problem, says)) {
        print_error("%.*s: %d, status %d, %.*s\n", (int)n, bytes, (int)o.result, (int)o.status,
                    (int)o.problem.line_len, o.problem.line);
    }
    assert_int_equal(o.result, HTTP_PARSER_ERROR);
    assert_int_equal(o.status, status);
    assert_true(contains(&o.problem, says));
}

static void what_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        check_refused(refused[i].head, (uint32_t)refused[i].n, refused[i].status, refused[i].says);
        /* More behind it changes nothing: the refusal comes at the first thing wrong. */
        char *more = test_malloc(refused[i].n + 4);
        memcpy(more, refused[i].head, refused[i].n);
        memcpy(more + refused[i].n, "\r\n\r\n", 4);
        check_refused(more, (uint32_t)refused[i].n + 4, refused[i].status, refused[i].says);
        test_free(more);
    }
}

/* Every character as a method's, a name's and a value's. */
static void every_character(void **state) {
    static const char separators[] = "\"(),/:;<=>?@[\\]{}";
    (void)state;
    for (int c = 0; c < 256; c++) {
        bool token = c > 0x20 && c < 0x7f && strchr(separators, c) == NULL;
        bool value = c == '\t' || (c >= 0x20 && c != 0x7f);
        char head[] = "G_T / HTTP/1.1\r\n" HOST "X: a\r\n\r\n";
        head[1] = (char)c;
        if (c != ' ' && c != '\n') {
            assert_int_equal(parse(head, sizeof head - 1, 99, 0).result,
                             token ? HTTP_PARSER_DONE : HTTP_PARSER_ERROR);
        }
        char named[] = "GET / HTTP/1.1\r\n" HOST "XxX: a\r\n\r\n";
        named[26] = (char)c;
        assert_int_equal(parse(named, sizeof named - 1, 99, 0).result,
                         token || c == ':' ? HTTP_PARSER_DONE : HTTP_PARSER_ERROR);
        /* Anywhere within a word, and behind the last one. */
        for (uint32_t at = 28; at < 37; at++) {
            char valued[] = "GET / HTTP/1.1\r\n" HOST "X: aaaaaaaaaa\r\n\r\n";
            valued[at] = (char)c;
            assert_int_equal(parse(valued, sizeof valued - 1, 99, 0).result,
                             value ? HTTP_PARSER_DONE : HTTP_PARSER_ERROR);
        }
    }
}

/* ---- limits ----------------------------------------------------------------------------- */

#define LINE_LIMIT                                                                      \
    (CFG_HTTP_REQUEST_LINE_BYTES < CFG_HTTP_RX_BYTES - 4u ? CFG_HTTP_REQUEST_LINE_BYTES \
                                                          : CFG_HTTP_RX_BYTES - 4u)

/* A head whose request line has `line_bytes` and that has `head_bytes` in all, of HTTP/1.0 for it
 * then needs no Host. */
static uint32_t make_head(char *out, uint32_t line_bytes, uint32_t head_bytes) {
    static const char start[] = "GET /";
    static const char end[] = " HTTP/1.0";
    memset(out, 'a', head_bytes);
    memcpy(out, start, sizeof start - 1);
    memcpy(out + line_bytes - (sizeof end - 1), end, sizeof end - 1);
    memcpy(out + line_bytes, "\r\n", 2);
    if (head_bytes > line_bytes + 4) {
        memcpy(out + line_bytes + 2, "x:", 2);
        memcpy(out + head_bytes - 4, "\r\n", 2);
    }
    memcpy(out + head_bytes - 2, "\r\n", 2);
    return head_bytes;
}

static void longest_request_line(void **state) {
    char head[2 * CFG_HTTP_RX_BYTES];
    (void)state;
    uint32_t n = make_head(head, LINE_LIMIT, LINE_LIMIT + 4);
    assert_int_equal(parse_every_way(head, n).result, HTTP_PARSER_DONE);
    n = make_head(head, LINE_LIMIT + 1, LINE_LIMIT + 5);
    check_refused(head, n, HTTP_URI_TOO_LONG, "request line: longer than ");
    /* Without an end in sight. */
    memset(head, 'a', sizeof head);
    assert_int_equal(parse_every_way(head, LINE_LIMIT).result, HTTP_PARSER_MORE);
    check_refused(head, LINE_LIMIT + 1, HTTP_URI_TOO_LONG, "request line: longer than ");
    check_refused(head, sizeof head, HTTP_URI_TOO_LONG, "request line: longer than ");
    /* Empty lines before it do not go on for ever. */
    for (uint32_t i = 0; i < sizeof head; i += 2) {
        memcpy(head + i, "\r\n", 2);
    }
    check_refused(head, sizeof head, HTTP_URI_TOO_LONG, "request line: longer than ");
}

static void longest_head(void **state) {
    char head[2 * CFG_HTTP_RX_BYTES];
    (void)state;
    uint32_t n = make_head(head, 20, CFG_HTTP_RX_BYTES);
    struct outcome o = parse_every_way(head, n);
    assert_int_equal(o.result, HTTP_PARSER_DONE);
    assert_int_equal(o.head_bytes, CFG_HTTP_RX_BYTES);
    n = make_head(head, 20, CFG_HTTP_RX_BYTES + 1);
    check_refused(head, n, HTTP_HEADER_FIELDS_TOO_LARGE, "headers: more than ");
    n = make_head(head, 20, CFG_HTTP_RX_BYTES + 2);
    check_refused(head, n, HTTP_HEADER_FIELDS_TOO_LARGE, "headers: more than ");
    /* Without an end in sight. */
    n = make_head(head, 20, sizeof head);
    check_refused(head, n - 4, HTTP_HEADER_FIELDS_TOO_LARGE, "headers: more than ");
    /* Many short fields. */
    uint32_t line = make_head(head, 20, 24) - 2;
    for (uint32_t i = line; i + 4 <= sizeof head; i += 4) {
        memcpy(head + i, "x:\r\n", 4);
    }
    check_refused(head, sizeof head - 4, HTTP_HEADER_FIELDS_TOO_LARGE, "headers: more than ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_accepted),     cmocka_unit_test(idempotency_keys),
        cmocka_unit_test(what_is_refused),      cmocka_unit_test(every_character),
        cmocka_unit_test(longest_request_line), cmocka_unit_test(longest_head),
    };
    return cmocka_run_group_tests_name("http_parser", tests, NULL, NULL);
}
