/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * test_http_conn.c: requests on one connection, over a fake transport: kept alive, pipelined in
 * any cut, refused, with bodies of any size and framing, and ended anywhere. What the endpoints
 * answer is test_app.c's job.
 */
#include "app_rig.h"

#define PONG "PONG - 1994-11-06T08:49:37.000Z\n"

/* ---- keep-alive ------------------------------------------------------------------------- */

static void kept_alive(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    for (int i = 0; i < 3; i++) {
        rig_ask(c, GET("/ping"), 200);
        rig_expect_body(PONG);
        rig_expect_header("Connection", NULL);
        rig_expect_header("Content-Type", "text/plain; charset=utf-8");
        assert_int_equal(rig_answer.framing, FRAMED_BY_LENGTH);
    }
    assert_false(rig_closed(c));
    rig_expect_nothing(c);
}

static void closed_on_request(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_puts(c, "GET /ping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" GET("/time"));
    rig_expect(c, 200);
    rig_expect_header("Connection", "close");
    rig_expect_nothing(c); /* what follows is dropped */
    assert_true(c->wire.shut_down);
    rig_acknowledge_all(c);
    assert_non_null(c->http);
    rig_finish(c);
    assert_null(c->http);
}

static void http_1_0(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c, "GET /ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200);
    rig_expect_header("Connection", "keep-alive");
    assert_false(rig_closed(c));
    rig_ask(c, "GET /ping HTTP/1.0\r\n\r\n", 200);
    rig_expect_header("Connection", "close");
    rig_expect_body(PONG);
    assert_true(c->wire.shut_down);
    /* A body of unknown length ends with the connection, whatever was asked. */
    c = rig_connect(1);
    rig_ask(c, "GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200);
    assert_int_equal(rig_answer.framing, FRAMED_BY_CLOSE);
    rig_expect_header("Connection", "close");
    assert_true(rig_body_has("\npingshot_table_refusals_total{table=\"body_buffers\"} 0\n"));
    /* Without a body there is nothing to end. */
    c = rig_connect(2);
    rig_puts(c, "HEAD /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_true(rig_read(c, true));
    rig_expect_header("Connection", "keep-alive");
    assert_false(rig_closed(c));
}

/* The pieces of a long answer say that more follow, and all but the first, the length of whose head
 * is not known beforehand, lie within words as they will in a segment. */
static void pieces_of_an_answer(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    c->wire.window_bytes = 1500;
    rig_puts(c, GET("/metrics"));
    assert_int_equal(c->wire.writes_count, 1);
    assert_true(c->wire.more);
    rig_acknowledge_all(c);
    assert_in_range(c->wire.writes_count, 4, UINT32_MAX);
    assert_false(c->wire.more);
    assert_in_range(c->wire.askew_count, 0, 1);
    rig_expect(c, 200);
    assert_true(rig_answer.chunked);
}

static void head_answers_without_body(void **state) {
    static const char *const paths[] = {"/ping", "/healthz", "/time", "/", "/nowhere", "/create"};
    struct client *c = rig_connect(0);
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char request[128];
        (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", paths[i]);
        rig_puts(c, request);
        assert_true(rig_read(c, false));
        const int status = rig_answer.status;
        const long length = rig_answer.length;
        (void)snprintf(request, sizeof request, "HEAD %s HTTP/1.1\r\nHost: a\r\n\r\n%s", paths[i],
                       GET("/ping"));
        rig_puts(c, request);
        assert_true(rig_read(c, true));
        assert_int_equal(rig_answer.status, status);
        assert_int_equal(rig_answer.length, length);
        rig_expect(c, 200); /* and the next answer begins where it must */
        rig_expect_body(PONG);
    }
    rig_puts(c, "HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n" GET("/ping"));
    assert_true(rig_read(c, true));
    assert_true(rig_answer.chunked);
    rig_expect(c, 200);
    rig_expect_body(PONG);
}

/* ---- pipelining ------------------------------------------------------------------------- */

/* One of everything that makes the way of a request differ. */
static const char pipeline[] = GET("/ping") "\r\n" GET(
    "/nowhere") "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nGET / HTTP/"
                "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                "5\r\nfirst\r\n6;x=y\r\nsecond\r\n0\r\nTrailer: z\r\n\r\n"
                "POST /create HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 22\r\n\r\n"
                "piped_total 1\nother 2\n"
                "POST /create HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
                "Transfer-Encoding: chunked\r\n\r\n"
                "9\r\nchunked{a\r\n8\r\n=\"b\"} 3\n\r\n0\r\n\r\n"
                "POST /create HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\nContent-Length: 4\r\n\r\n!!!!"
                "POST /create HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\n"
                "wrong wrong"
                "POST /create HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                "Content-Length: 17\r\n\r\n{\"name\":\"json_x\"}"
                "POST /event?a=b HTTP/1.1\r\nHost: a\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\nc=d"
                "HEAD /ping HTTP/1.1\r\nHost: a\r\n\r\n"
                "DELETE /metrics/other HTTP/1.1\r\nHost: a\r\n\r\n"
                "GET /ping HTTP/1.0\r\n\r\n";

static void pipelined_in_any_cut(void **state) {
    static char expected[16384];
    uint32_t expected_bytes = 0;
    (void)state;
    const size_t n = sizeof pipeline - 1;
    for (size_t step = n; step > 0; step = step > 100 ? step - 37 : step - 1) {
        rig_restart();
        struct client *c = rig_connect(0);
        rig_send_pieces(c, pipeline, n, step);
        assert_true(c->wire.shut_down);
        if (step == n) {
            expected_bytes = c->wire.written_bytes;
            assert_true(expected_bytes <= sizeof expected);
            memcpy(expected, c->wire.written, expected_bytes);
            static const int statuses[] = {200, 404, 200, 200, 200, 200, 415, 400, 200, 200};
            for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
                rig_expect(c, statuses[i]);
            }
            assert_true(rig_read(c, true));
            rig_expect(c, 204);
            rig_expect(c, 200);
            rig_expect_body(PONG);
            rig_expect_nothing(c);
        }
        assert_int_equal(c->wire.written_bytes, expected_bytes);
        assert_memory_equal(c->wire.written, expected, expected_bytes);
        rig_lose(c);
        rig_check_free();
    }
}

/* Every cut in two of the same requests. */
static void pipelined_in_two_pieces(void **state) {
    static char expected[16384];
    uint32_t expected_bytes = 0;
    (void)state;
    const size_t n = sizeof pipeline - 1;
    for (size_t cut = 0; cut < n; cut++) {
        rig_restart();
        struct client *c = rig_connect(0);
        rig_send(c, pipeline, cut);
        rig_send(c, pipeline + cut, n - cut);
        if (cut == 0) {
            expected_bytes = c->wire.written_bytes;
            memcpy(expected, c->wire.written, expected_bytes);
        }
        assert_int_equal(c->wire.written_bytes, expected_bytes);
        assert_memory_equal(c->wire.written, expected, expected_bytes);
        rig_lose(c);
        rig_check_free();
    }
}

/* More requests than the receive buffer holds, to a client that takes one answer at a time: what
 * is not taken waits, and none is lost. */
static void pipelined_beyond_the_buffers(void **state) {
    enum { COUNT = 400 };
    struct client *c = &rig_clients[0];
    (void)state;
    assert_true(rig_connect_from(c, "10.0.0.1", 1100));
    for (int i = 0; i < COUNT; i++) {
        char request[64];
        (void)snprintf(request, sizeof request, "POST /event?n=%d HTTP/1.1\r\nHost: a\r\n\r\n", i);
        rig_puts(c, request);
    }
    assert_true(c->unsent_bytes > 0);
    int answered = 0;
    while (c->wire.written_bytes != c->wire.acked_bytes) {
        rig_acknowledge(c, 1); /* as slowly as can be */
        while (rig_read(c, false)) {
            char expected[32];
            (void)snprintf(expected, sizeof expected, "event %d queued", answered + 1);
            assert_int_equal(rig_answer.status, answered < CFG_EVENTS_MAX ? 200 : 503);
            assert_true(answered >= CFG_EVENTS_MAX || rig_body_has(expected));
            answered++;
        }
    }
    assert_int_equal(answered, COUNT);
    assert_int_equal(c->unsent_bytes, 0);
}

/* Whatever room there is when it is made, a short reply is all there or not begun. */
static void short_reply_with_little_room(void **state) {
    (void)state;
    for (uint32_t room = 0; room < 1100; room++) {
        struct client *c = &rig_clients[0];
        rig_restart();
        assert_true(rig_connect_from(c, "10.0.0.1", room));
        rig_puts(c, EVENT("n=1"));
        c->wire.window_bytes = RIG_WINDOW_BYTES;
        rig_drain(c);
        rig_expect(c, 200);
        rig_expect_body("event 1 queued for the first scraper that comes\n");
        rig_lose(c);
    }
}

/* ---- Expect ----------------------------------------------------------------------------- */

#define EXPECT_ECHO "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

static void expect_go_on(struct client *c) {
    const uint32_t n = sizeof go_on - 1;
    assert_int_equal(c->wire.written_bytes - c->read_bytes, n);
    assert_memory_equal(c->wire.written + c->read_bytes, go_on, n);
    c->read_bytes += n;
}

static void told_to_go_on(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_puts(c, EXPECT_ECHO "Content-Length: 5\r\n\r\n");
    expect_go_on(c);
    rig_ask(c, "hello", 200);
    assert_true(rig_body_has("\r\n\r\nhello"));
    rig_puts(c, EXPECT_ECHO "Transfer-Encoding: chunked\r\n\r\n");
    expect_go_on(c);
    rig_ask(c, "5\r\nhello\r\n0\r\n\r\n", 200);
    /* Who did not wait, or has nothing to send, is not told. */
    rig_ask(c, EXPECT_ECHO "Content-Length: 5\r\n\r\nhello", 200);
    rig_ask(c, EXPECT_ECHO "Content-Length: 0\r\n\r\n", 200);
    rig_ask(c, EXPECT_ECHO "\r\n", 200);
    /* HTTP/1.0 does not know it. */
    rig_puts(c, "POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    rig_expect_nothing(c);
    rig_ask(c, "hello", 200);
}

/* A client that waits is refused at once. Whether it sends its body nevertheless cannot be known,
 * so the connection ends. */
static void not_told_to_go_on(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c,
            "POST /nowhere HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
            "Content-Length: 5\r\n\r\n",
            404);
    rig_expect_header("Connection", "close");
    assert_true(c->wire.shut_down);
    c = rig_connect(1);
    rig_ask(c, EXPECT_ECHO "Content-Length: 2049\r\n\r\n", 413);
    assert_true(c->wire.shut_down);
    c = rig_connect(2);
    rig_ask(c, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", 417);
    assert_true(c->wire.shut_down);
}

/* ---- refusals --------------------------------------------------------------------------- */

#define ALL_MEDIA                                                             \
    "application/json or application/x-www-form-urlencoded or text/plain or " \
    "application/openmetrics-text"

/* SPEC section 2's table. The connection lives on, or is closed. */
static const struct {
    const char *request;
    int status;
    bool closes;
    const char *allow;
    const char *line;
} refusals[] = {
    {GET("/nowhere"), 404, false, NULL, "nothing at /nowhere; GET / lists what there is"},
    {GET("/Ping"), 404, false, NULL, "nothing at /Ping; GET / lists what there is"},
    {GET("/ping/"), 404, false, NULL, "nothing at /ping/; GET / lists what there is"},
    {GET("/webhooks"), 404, false, NULL, "nothing at /webhooks; GET / lists what there is"},
    {GET("/\x01"), 400, true, NULL, NULL},
    {GET("/%00"), 404, false, NULL, "nothing at /%00; GET / lists what there is"},
    {GET("/%zz"), 400, false, NULL, "path: a '%' must be followed by two hex digits"},
    {GET("/pin%6"), 400, false, NULL, "path: a '%' must be followed by two hex digits"},
    {POST("/ping", "\r\n"), 405, false, "GET, HEAD",
     "method not allowed on /ping; see the Allow header"},
    {GET("/create"), 405, false, "POST", "method not allowed on /create; see the Allow header"},
    {GET("/event"), 405, false, "POST", NULL},
    {GET("/metrics/x"), 405, false, "DELETE", NULL},
    {POST("/metrics", "\r\n"), 405, false, "GET, HEAD", NULL},
    {"DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, false, "GET, HEAD", NULL},
    {"BREW /ping HTTP/1.1\r\nHost: a\r\n\r\n", 405, false, "GET, HEAD", NULL},
    {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 404, false, NULL, NULL},
    {POST("/create", "\r\n"), 415, false, NULL, "no Content-Type; send " ALL_MEDIA},
    {POST("/create", "Content-Length: 3\r\n\r\na 1"), 415, false, NULL,
     "no Content-Type; send " ALL_MEDIA},
    {POST("/update", "Content-Type: text/html\r\nContent-Length: 3\r\n\r\na 1"), 415, false, NULL,
     "Content-Type is not taken here; send " ALL_MEDIA},
    {POST("/event", "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\na=1"), 415, false, NULL,
     "Content-Type is not taken here; send application/x-www-form-urlencoded"},
    {POST("/create", "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n"
                     "Content-Length: 3\r\n\r\na 1"),
     415, false, NULL, "Content-Encoding: only identity is taken; send " ALL_MEDIA},
    {POST("/create", "Content-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n"), 415, true,
     NULL, NULL},
    {POST("/create", "Content-Type: image/png\r\nContent-Length: 4\r\n\r\n\n\n\n\n"), 415, false,
     NULL, NULL},
    {POST("/echo", "Content-Length: 70000\r\n\r\n"), 413, true, NULL,
     "body: more than the 2048 bytes that are taken here"},
    {POST("/echo", "Content-Length: 99999999999\r\n\r\n"), 413, true, NULL,
     "Content-Length: more than 4 GiB"},
    {POST("/echo", "Transfer-Encoding: gzip\r\n\r\n"), 501, true, NULL, NULL},
    {"GET / HTTP/2.0\r\n\r\n", 505, true, NULL,
     "request line: this server speaks HTTP/1.1 and HTTP/1.0"},
    {"GET / HTTP/1.1\r\n\r\n", 400, true, NULL, "no Host header; HTTP/1.1 needs one"},
    {POST("/echo", "Transfer-Encoding: chunked\r\n\r\nx"), 400, true, NULL,
     "chunked body: a chunk must begin with its size in hex digits"},
    {"nonsense\r\n", 400, true, NULL,
     "request line: must be a method, a target and HTTP/1.1, one blank between"},
};

static void check_refusal(size_t i, size_t step) {
    char line[300];
    struct client *c = rig_connect(0);
    rig_send_pieces(c, refusals[i].request, strlen(refusals[i].request), step);
    rig_acknowledge_all(c);
    rig_expect(c, refusals[i].status);
    rig_expect_header("Content-Type", "text/plain; charset=utf-8");
    rig_expect_header("Allow", refusals[i].allow);
    rig_expect_header("Connection", refusals[i].closes ? "close" : NULL);
    /* One line, with its line feed. */
    assert_true(rig_answer.body_bytes > 1);
    assert_ptr_equal(strchr(rig_answer.body, '\n'), rig_answer.body + rig_answer.body_bytes - 1);
    if (refusals[i].line != NULL) {
        (void)snprintf(line, sizeof line, "%s\n", refusals[i].line);
        rig_expect_body(line);
    }
    assert_int_equal(rig_closed(c), refusals[i].closes);
    rig_expect_nothing(c);
    if (!refusals[i].closes) {
        rig_ask(c, GET("/ping"), 200);
    }
    rig_lose(c);
    rig_check_free();
}

static void refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        check_refusal(i, 1000);
        check_refusal(i, 1);
    }
}

/* The rest of a refused request's body is read and dropped, if it is not too much of it. */
static void refused_with_body_to_come(void **state) {
    static char zeros[65536];
    struct client *c = rig_connect(0);
    char head[128];
    (void)state;
    (void)snprintf(head, sizeof head, POST("/nowhere", "Content-Length: %zu\r\n\r\n"),
                   sizeof zeros);
    rig_puts(c, head);
    rig_expect_nothing(c); /* the answer comes behind the body, for clients that read only then */
    rig_send_pieces(c, zeros, sizeof zeros - 1, 1000);
    rig_expect_nothing(c);
    rig_send(c, zeros, 1);
    rig_expect(c, 404);
    rig_ask(c, GET("/ping"), 200);
    (void)snprintf(head, sizeof head, POST("/nowhere", "Content-Length: %zu\r\n\r\n"),
                   sizeof zeros + 1);
    rig_puts(c, head);
    rig_expect(c, 404);
    rig_expect_header("Connection", "close");
    assert_true(c->wire.shut_down);
    rig_send_pieces(c, zeros, sizeof zeros, 1000);
    assert_int_equal(c->unsent_bytes, 0); /* taken, so that the client sees the answer */
    rig_expect_nothing(c);
}

/* A body where none is expected is dropped, and says nothing. */
static void unasked_body(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_ask(c, "GET /ping HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 200);
    rig_ask(c,
            "GET /ping HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\n"
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            200);
    rig_ask(c, "DELETE /metrics/x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", 404);
    rig_ask(c, GET("/ping"), 200);
}

/* ---- bodies ----------------------------------------------------------------------------- */

enum cut { WHOLE, CHUNKS, TINY_CHUNKS };

/* A POST /echo whose body has `n` bytes, framed in one of three ways. Returns its length. */
static uint32_t make_echo(struct text *t, uint32_t n, enum cut cut, uint32_t *head_bytes) {
    t->len = 0;
    text_puts(t, "POST /echo HTTP/1.1\r\nHost: a\r\n");
    if (cut == WHOLE) {
        text_puts(t, "Content-Length: ");
        text_put_u64(t, n);
        text_puts(t, "\r\n\r\n");
    } else {
        text_puts(t, "Transfer-Encoding: chunked\r\n\r\n");
    }
    *head_bytes = t->len;
    const uint32_t chunk = cut == TINY_CHUNKS ? 1 : 300;
    for (uint32_t i = 0; i < n;) {
        uint32_t k = n - i < chunk ? n - i : chunk;
        char size[16];
        if (cut != WHOLE) {
            (void)snprintf(size, sizeof size, "%x\r\n", k);
            text_puts(t, size);
        }
        for (uint32_t end = i + k; i < end; i++) {
            text_put_char(t, (char)('a' + i % 26));
        }
        text_puts(t, cut == WHOLE ? "" : "\r\n");
    }
    text_puts(t, cut == WHOLE ? "" : "0\r\n\r\n");
    assert_false(t->overflow);
    return t->len;
}

static void check_echo(uint32_t n, enum cut cut, size_t step) {
    static char bytes[32768];
    struct text t = text_over(bytes, sizeof bytes);
    uint32_t head_bytes;
    struct client *c = rig_connect(0);
    make_echo(&t, n, cut, &head_bytes);
    text_puts(&t, GET("/ping"));
    rig_send_pieces(c, t.bytes, t.len, step);
    rig_acknowledge_all(c);
    if (n > CFG_HTTP_BODY_BYTES) {
        rig_expect(c, 413);
        rig_expect_body("body: more than the 2048 bytes that are taken here\n");
        rig_lose(c);
        return;
    }
    rig_expect(c, 200);
    assert_int_equal(rig_answer.body_bytes, head_bytes + n);
    assert_memory_equal(rig_answer.body, bytes, head_bytes);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(rig_answer.body[head_bytes + i], 'a' + (int)(i % 26));
    }
    rig_expect(c, 200);
    rig_expect_body(PONG);
    rig_expect_nothing(c);
    rig_lose(c);
    rig_check_free();
}

/* A body that has to be whole: where the receive buffer ends, where the body buffer ends. */
static void whole_bodies(void **state) {
    static const size_t steps[] = {1, 7, 300, 32768};
    (void)state;
    for (enum cut cut = WHOLE; cut <= TINY_CHUNKS; cut++) {
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
            for (uint32_t n = 0; n < 4; n++) {
                check_echo(n, cut, steps[i]);
            }
            for (uint32_t n = CFG_HTTP_RX_BYTES - 80; n < CFG_HTTP_RX_BYTES + 4; n++) {
                check_echo(n, cut, steps[i]);
            }
            for (uint32_t n = CFG_HTTP_BODY_BYTES - 2; n < CFG_HTTP_BODY_BYTES + 3; n++) {
                check_echo(n, cut, steps[i]);
            }
        }
    }
}

/* Lines of comments, which any number may be of, of every length up to the longest, with a head
 * as long as can be: the body's line has just the room that is left. */
static void streamed_bodies(void **state) {
    static char bytes[65536];
    static const size_t steps[] = {1, 511, 512, 513, 1024, 65536};
    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct text t = text_over(bytes, sizeof bytes);
        struct client *c = rig_connect(0);
        uint32_t body_bytes = 0;
        for (uint32_t line = 2; line <= CFG_LINE_BYTES; line += 5) {
            body_bytes += line;
        }
        text_puts(&t, "POST /create HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
                      "Content-Length: ");
        text_put_u64(&t, body_bytes);
        text_puts(&t, "\r\nX: ");
        while (t.len < HTTP_HEAD_BYTES - 4) {
            text_put_char(&t, 'x');
        }
        text_puts(&t, "\r\n\r\n");
        for (uint32_t line = 2; line <= CFG_LINE_BYTES; line += 5) {
            text_put_char(&t, '#');
            for (uint32_t k = 2; k < line; k++) {
                text_put_char(&t, ' ');
            }
            text_put_char(&t, '\n');
        }
        text_puts(&t, GET("/ping"));
        assert_false(t.overflow);
        rig_send_pieces(c, t.bytes, t.len, steps[i]);
        assert_int_equal(c->unsent_bytes, 0);
        rig_expect(c, 200);
        rig_expect(c, 200);
        rig_expect_body(PONG);
        rig_lose(c);
    }
}

/* A request that begins like `start` and whose head has `n` bytes. */
static void send_head(struct client *c, const char *start, uint32_t n) {
    char bytes[CFG_HTTP_RX_BYTES];
    struct text t = text_over(bytes, sizeof bytes);
    text_puts(&t, start);
    text_puts(&t, "X: ");
    while (t.len < n - 4) {
        text_put_char(&t, 'x');
    }
    text_puts(&t, "\r\n\r\n");
    assert_false(t.overflow);
    rig_send(c, t.bytes, t.len);
}

/* Only a body needs room behind the head. */
static void longest_heads(void **state) {
    static const char get[] = "GET /ping HTTP/1.1\r\nHost: a\r\n";
    static const char post[] = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n";
    struct client *c = rig_connect(0);
    (void)state;
    send_head(c, get, CFG_HTTP_RX_BYTES);
    rig_expect(c, 200);
    send_head(c, post, HTTP_HEAD_BYTES);
    rig_ask(c, "ab", 200);
    send_head(c, post, HTTP_HEAD_BYTES + 1);
    rig_expect(c, 431);
    rig_expect_body("headers: more than 512 bytes together with the request line, before a body\n");
    rig_drain(c);
    assert_true(rig_closed(c));
}

#define BIG_ECHO POST("/echo", "Content-Length: 2000\r\n\r\n")

static void body_buffers_all_taken(void **state) {
    static char body[2000];
    (void)state;
    memset(body, 'x', sizeof body);
    for (uint32_t i = 0; i < CFG_HTTP_BODY_BUFFERS; i++) {
        rig_puts(rig_connect(i), BIG_ECHO);
    }
    assert_int_equal(rig_app.http.bodies_stats.used, CFG_HTTP_BODY_BUFFERS);
    struct client *c = rig_connect(CFG_HTTP_BODY_BUFFERS);
    rig_puts(c, BIG_ECHO);
    rig_send(c, body, sizeof body);
    rig_expect(c, 503);
    rig_expect_header("Retry-After", "1");
    rig_expect_body("body: all buffers for large bodies are in use; try again\n");
    assert_int_equal(rig_app.http.bodies_stats.refused_total, 1);
    /* The same for one that shows its size only as it comes. */
    rig_puts(c, POST("/echo", "Transfer-Encoding: chunked\r\n\r\n7d0\r\n"));
    rig_send(c, body, sizeof body);
    rig_expect(c, 503);
    rig_expect_header("Connection", "close");
    rig_lose(c);
    /* A small body needs none. */
    c = rig_connect(CFG_HTTP_BODY_BUFFERS);
    rig_ask(c, POST("/echo", "Content-Length: 5\r\n\r\nhello"), 200);
    /* One is given back when its request is answered, another when its client vanishes. */
    rig_send(&rig_clients[0], body, sizeof body);
    rig_expect(&rig_clients[0], 200);
    rig_lose(&rig_clients[1]);
    assert_int_equal(rig_app.http.bodies_stats.used, 0);
    rig_puts(c, BIG_ECHO);
    rig_send(c, body, sizeof body);
    rig_expect(c, 200);
    assert_int_equal(rig_app.http.bodies_stats.high_water, CFG_HTTP_BODY_BUFFERS);
}

/* ---- clients that end ------------------------------------------------------------------- */

static void half_closed(void **state) {
    struct client *c = rig_connect(0);
    (void)state;
    rig_finish(c); /* without a request */
    assert_true(c->wire.shut_down);
    assert_null(c->http);
    /* Behind its requests, the client still gets the answers. */
    c = &rig_clients[0];
    assert_true(rig_connect_from(c, "10.0.0.1", 2048));
    rig_puts(c, SCRAPE GET("/ping"));
    rig_finish(c);
    assert_false(rig_closed(c));
    rig_acknowledge_all(c);
    rig_expect(c, 200);
    rig_expect(c, 200);
    rig_expect_body(PONG);
    assert_null(c->http);
    /* A scrape with events, too; they are delivered. */
    c = rig_connect(0);
    rig_ask(c, POST("/event?a=b", "\r\n"), 200);
    rig_puts(c, SCRAPE);
    rig_finish(c);
    assert_non_null(c->http);
    rig_acknowledge_all(c);
    assert_null(c->http);
    assert_int_equal(rig_state.delivery.counts.delivered, 1);
}

/* In the middle of each request the client says that no more comes, or is gone. Nothing of a
 * request that was not whole has an effect, and nothing stays behind. */
static void ends_anywhere(void **state) {
    const size_t n = sizeof pipeline - 1;
    (void)state;
    for (uint32_t lost = 0; lost < 2; lost++) {
        for (size_t cut = 0; cut < n; cut++) {
            rig_restart();
            struct client *c = rig_connect(0);
            rig_send(c, pipeline, cut);
            if (lost) {
                rig_lose(c);
            } else {
                rig_finish(c);
                assert_true(c->wire.shut_down);
                rig_acknowledge_all(c);
                assert_null(c->http);
            }
            rig_check_free();
            c = rig_connect(1);
            rig_ask(c, GET("/metrics"), 200);
            const bool both = rig_body_has("\npiped_total 1\n");
            assert_int_equal(rig_body_has("# TYPE piped_total counter\n"), both);
            rig_lose(c);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RIG_TEST(kept_alive),
        RIG_TEST(closed_on_request),
        RIG_TEST(http_1_0),
        RIG_TEST(pieces_of_an_answer),
        RIG_TEST(head_answers_without_body),
        RIG_TEST(pipelined_in_any_cut),
        RIG_TEST(pipelined_in_two_pieces),
        RIG_TEST(pipelined_beyond_the_buffers),
        RIG_TEST(short_reply_with_little_room),
        RIG_TEST(told_to_go_on),
        RIG_TEST(not_told_to_go_on),
        RIG_TEST(refused),
        RIG_TEST(refused_with_body_to_come),
        RIG_TEST(unasked_body),
        RIG_TEST(whole_bodies),
        RIG_TEST(streamed_bodies),
        RIG_TEST(longest_heads),
        RIG_TEST(body_buffers_all_taken),
        RIG_TEST(half_closed),
        RIG_TEST(ends_anywhere),
    };
    return cmocka_run_group_tests_name("http_conn", tests, NULL, NULL);
}
