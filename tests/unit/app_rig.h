/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * app_rig.h: a whole app in a test program: its clocks, clients over fake transports, their
 * requests cut as the test likes, and the answers read by a reader of its own. Everything is
 * static here: include it once, in the test's own file.
 */
#ifndef PINGSHOT_TESTS_APP_RIG_H
#define PINGSHOT_TESTS_APP_RIG_H

#include "app.h"
#include "clock.h"
#include "fake_transport.h"
#include "metrics/registry_txn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define RIG_CLIENTS (CFG_CONNECTIONS_MAX + 4)
#define RIG_WINDOW_BYTES 65536u
#define RIG_UNSENT_BYTES 65536u

/* ---- clocks ----------------------------------------------------------------------------- */

static uint32_t rig_now_ms;
static int64_t rig_unix_ms; /* -1: not known */

uint32_t clock_monotonic_ms(void) {
    return rig_now_ms;
}

bool clock_wall_ms(int64_t *unix_ms) {
    if (rig_unix_ms >= 0) {
        *unix_ms = rig_unix_ms;
    }
    return rig_unix_ms >= 0;
}

/* ---- the app and its clients ------------------------------------------------------------ */

struct client {
    struct fake_transport wire;
    struct http_conn *http; /* NULL: not connected, or its end was told */
    bool peer_closed;
    uint32_t read_bytes;   /* of wire.written, read as answers */
    uint32_t unsent_bytes; /* what the app has not taken */
    char unsent[RIG_UNSENT_BYTES];
};

static struct app rig_app;
static struct state rig_state;
static struct client rig_clients[RIG_CLIENTS];

/* The options of the next app; a test that wants others sets them before it calls rig_restart. */
static struct app_config rig_config;

static inline void rig_restart(void) {
    struct problem p;
    memset(&rig_app, 0xa5, sizeof rig_app);
    memset(&rig_state, 0xa5, sizeof rig_state);
    assert_true(app_init(&rig_app, &rig_config, &rig_state, &p));
    for (size_t i = 0; i < RIG_CLIENTS; i++) {
        rig_clients[i].http = NULL;
    }
}

/* A cmocka setup: a new app; the monotonic clock is about to wrap. */
static inline int rig_setup(void **state) {
    (void)state;
    rig_now_ms = UINT32_MAX - 4000;
    rig_unix_ms = INT64_C(784111777000); /* Sun, 06 Nov 1994 08:49:37 GMT */
    rig_config = (struct app_config){.hash_key = {1, 2, 3, 4, 5, 6, 7, 8}, .target = "test"};
    rig_restart();
    return 0;
}

/* ---- events of the transport ------------------------------------------------------------ */

/* Tells of ends, as a transport has to, after each event. */
static inline void rig_settle(struct client *c) {
    bool ended =
        c->wire.shut_down && c->peer_closed && c->wire.written_bytes == c->wire.acked_bytes;
    if (c->http == NULL) {
        return;
    }
    if (c->wire.aborted) {
        c->http = NULL;
    } else if (c->wire.dead || ended) {
        struct http_conn *http = c->http;
        c->http = NULL;
        http_conn_lost(http);
    }
}

/* Offers what the app has not taken. */
static inline void rig_offer(struct client *c) {
    if (c->http != NULL && c->unsent_bytes > 0) {
        uint32_t taken = http_conn_received(c->http, c->unsent, c->unsent_bytes);
        assert_true(taken <= c->unsent_bytes);
        c->unsent_bytes -= taken;
        memmove(c->unsent, c->unsent + taken, c->unsent_bytes);
    }
    rig_settle(c);
}

/* A client connects; false when it is turned away. */
static inline bool rig_connect_from(struct client *c, const char *address, uint32_t window_bytes) {
    fake_transport_init(&c->wire, window_bytes);
    c->peer_closed = false;
    c->read_bytes = 0;
    c->unsent_bytes = 0;
    c->http = app_accept(&rig_app, &c->wire.transport,
                         (struct slice){address, (uint32_t)strlen(address)});
    for (size_t i = 0; i < RIG_CLIENTS; i++) {
        if (&rig_clients[i] != c) {
            rig_settle(&rig_clients[i]); /* one may have been cut off for it */
        }
    }
    return c->http != NULL;
}

static inline struct client *rig_connect(uint32_t i) {
    assert_true(rig_connect_from(&rig_clients[i], "10.0.0.1", RIG_WINDOW_BYTES));
    return &rig_clients[i];
}

static inline void rig_send(struct client *c, const char *bytes, size_t n) {
    assert_true(n <= RIG_UNSENT_BYTES - c->unsent_bytes);
    memcpy(c->unsent + c->unsent_bytes, bytes, n);
    c->unsent_bytes += (uint32_t)n;
    rig_offer(c);
}

static inline void rig_puts(struct client *c, const char *string) {
    rig_send(c, string, strlen(string));
}

/* In pieces of `step` bytes. */
static inline void rig_send_pieces(struct client *c, const char *bytes, size_t n, size_t step) {
    for (size_t i = 0; i < n; i += step) {
        rig_send(c, bytes + i, n - i < step ? n - i : step);
    }
}

static inline void rig_acknowledge(struct client *c, uint32_t n) {
    assert_true(n <= c->wire.written_bytes - c->wire.acked_bytes);
    c->wire.acked_bytes += n;
    if (c->http != NULL) {
        http_conn_acknowledged(c->http, n);
        rig_settle(c);
        rig_offer(c);
    }
}

static inline void rig_drain(struct client *c) {
    if (c->http != NULL) {
        http_conn_drained(c->http);
        rig_settle(c);
        rig_offer(c);
    }
}

/* The client's TCP acknowledges all, and what comes of it, until nothing more comes. */
static inline void rig_acknowledge_all(struct client *c) {
    while (c->http != NULL && c->wire.written_bytes != c->wire.acked_bytes) {
        rig_acknowledge(c, c->wire.written_bytes - c->wire.acked_bytes);
    }
}

/* The client sends its FIN. */
static inline void rig_finish(struct client *c) {
    if (c->http != NULL && !c->peer_closed) {
        c->peer_closed = true;
        http_conn_peer_closed(c->http);
        rig_settle(c);
    }
}

/* The connection is reset. */
static inline void rig_lose(struct client *c) {
    if (c->http != NULL) {
        struct http_conn *http = c->http;
        c->http = NULL;
        http_conn_lost(http);
    }
}

/* Time passes in turns of the main loop, at most 50 ms each. */
static inline void rig_pass(uint32_t ms) {
    while (ms > 0) {
        uint32_t step = ms < 50 ? ms : 50;
        rig_now_ms += step;
        rig_unix_ms += rig_unix_ms >= 0 ? step : 0;
        ms -= step;
        app_poll(&rig_app, rig_now_ms);
        for (size_t i = 0; i < RIG_CLIENTS; i++) {
            rig_settle(&rig_clients[i]);
        }
    }
}

/* ---- requests --------------------------------------------------------------------------- */

#define GET(target) "GET " target " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(target, more) "POST " target " HTTP/1.1\r\nHost: a\r\n" more
#define EVENT(query) POST("/event?" query, "\r\n")
#define SCRAPE_FROM(target, agent, timeout)                    \
    "GET " target " HTTP/1.1\r\nHost: a\r\nUser-Agent: " agent \
    "\r\nX-Prometheus-Scrape-Timeout-Seconds: " timeout "\r\n\r\n"
#define SCRAPE SCRAPE_FROM("/metrics", "Prometheus/2.42.0", "10")

/* ---- answers ---------------------------------------------------------------------------- */

enum framing {
    FRAMED_BY_LENGTH,
    FRAMED_BY_CHUNKS,
    FRAMED_BY_CLOSE,
    FRAMED_WITHOUT_BODY, /* 204, or the answer to HEAD */
};

struct answer {
    int status;
    enum framing framing;
    long length;     /* Content-Length, or -1 */
    bool chunked;    /* Transfer-Encoding: chunked */
    char head[1024]; /* NUL-terminated, with its last empty line */
    uint32_t body_bytes;
    char body[FAKE_TRANSPORT_BYTES]; /* NUL-terminated */
};

static struct answer rig_answer;

/* The value of a header of rig_answer, or NULL. */
static inline const char *rig_header(const char *name) {
    static char value[256];
    char start[64];
    (void)snprintf(start, sizeof start, "\r\n%s: ", name);
    const char *at = strstr(rig_answer.head, start);
    if (at == NULL) {
        return NULL;
    }
    at += strlen(start);
    size_t n = strcspn(at, "\r\n");
    assert_true(n < sizeof value);
    memcpy(value, at, n);
    value[n] = '\0';
    return value;
}

static inline void rig_put_body(const char *bytes, uint32_t n) {
    memcpy(rig_answer.body + rig_answer.body_bytes, bytes, n);
    rig_answer.body_bytes += n;
    rig_answer.body[rig_answer.body_bytes] = '\0';
}

/* Returns how many bytes the chunks took, 0 when they are not complete. */
static inline uint32_t rig_read_chunks(const char *bytes, uint32_t n) {
    uint32_t at = 0;
    for (;;) {
        const char *lf = memchr(bytes + at, '\n', n - at);
        if (lf == NULL) {
            return 0;
        }
        char *end;
        unsigned long size = strtoul(bytes + at, &end, 16);
        assert_true(end > bytes + at && end[0] == '\r' && end + 1 == lf);
        at = (uint32_t)(lf - bytes) + 1;
        if (n - at < size + 2) {
            return 0;
        }
        rig_put_body(bytes + at, (uint32_t)size);
        at += (uint32_t)size;
        assert_memory_equal(bytes + at, "\r\n", 2);
        at += 2;
        if (size == 0) {
            return at;
        }
    }
}

static inline void rig_read_head(const char *bytes, uint32_t n, bool to_head) {
    struct answer *a = &rig_answer;
    assert_true(n < sizeof a->head);
    memcpy(a->head, bytes, n);
    a->head[n] = '\0';
    assert_memory_equal(a->head, "HTTP/1.1 ", 9);
    a->status = atoi(a->head + 9);
    a->body_bytes = 0;
    a->body[0] = '\0';
    a->length = rig_header("Content-Length") != NULL ? atol(rig_header("Content-Length")) : -1;
    a->chunked = rig_header("Transfer-Encoding") != NULL;
    assert_false(a->chunked && a->length >= 0);
    a->framing = to_head || a->status == 204 ? FRAMED_WITHOUT_BODY
                 : a->chunked                ? FRAMED_BY_CHUNKS
                 : a->length >= 0            ? FRAMED_BY_LENGTH
                                             : FRAMED_BY_CLOSE;
}

/* Reads the next answer into rig_answer. False when there is none, or not all of it. An answer
 * that ends with the connection is complete when the app has closed. */
static inline bool rig_read(struct client *c, bool to_head) {
    const char *bytes = c->wire.written + c->read_bytes;
    uint32_t n = c->wire.written_bytes - c->read_bytes;
    uint32_t head_bytes = 0;
    while (head_bytes + 4 <= n && memcmp(bytes + head_bytes, "\r\n\r\n", 4) != 0) {
        head_bytes++;
    }
    if (head_bytes + 4 > n) {
        return false;
    }
    head_bytes += 4;
    rig_read_head(bytes, head_bytes, to_head);
    bytes += head_bytes;
    n -= head_bytes;
    uint32_t used = 0;
    switch (rig_answer.framing) {
    case FRAMED_WITHOUT_BODY:
        break;
    case FRAMED_BY_LENGTH:
        used = (uint32_t)rig_answer.length;
        if (n < used) {
            return false;
        }
        rig_put_body(bytes, used);
        break;
    case FRAMED_BY_CHUNKS:
        used = rig_read_chunks(bytes, n);
        if (used == 0) {
            return false;
        }
        break;
    case FRAMED_BY_CLOSE:
        if (!c->wire.shut_down) {
            return false;
        }
        used = n;
        rig_put_body(bytes, used);
        break;
    }
    c->read_bytes += head_bytes + used;
    return true;
}

/* The next answer has this status. */
static inline void rig_expect(struct client *c, int status) {
    if (!rig_read(c, false)) {
        fail_msg("no answer, or half of one: %.*s", (int)(c->wire.written_bytes - c->read_bytes),
                 c->wire.written + c->read_bytes);
    }
    if (rig_answer.status != status) {
        print_error("%s%s\n", rig_answer.head, rig_answer.body);
    }
    assert_int_equal(rig_answer.status, status);
}

/* Nothing more was written. */
static inline void rig_expect_nothing(const struct client *c) {
    assert_int_equal(c->wire.written_bytes, c->read_bytes);
}

static inline void rig_expect_body(const char *body) {
    assert_string_equal(rig_answer.body, body);
}

static inline bool rig_body_has(const char *part) {
    return strstr(rig_answer.body, part) != NULL;
}

static inline void rig_expect_header(const char *name, const char *value) {
    const char *found = rig_header(name);
    if (value == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, value);
    }
}

/* Sends one request, acknowledges all that comes and reads the answer. */
static inline void rig_ask(struct client *c, const char *request, int status) {
    rig_puts(c, request);
    rig_acknowledge_all(c);
    rig_expect(c, status);
}

/* Posts a body; checks the answer's status, and its body unless `answer` is NULL. */
static inline void rig_post(struct client *c, const char *target, const char *type,
                            const char *body, int status, const char *answer) {
    static char request[32768];
    int n = snprintf(request, sizeof request,
                     "POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\n"
                     "Content-Length: %zu\r\n\r\n%s",
                     target, type, strlen(body), body);
    assert_in_range(n, 1, sizeof request - 1);
    rig_ask(c, request, status);
    if (answer != NULL) {
        rig_expect_body(answer);
    }
}

/* The app has closed its side, or cut the connection off. */
static inline bool rig_closed(const struct client *c) {
    return c->wire.shut_down || c->wire.aborted;
}

/* ---- the end ---------------------------------------------------------------------------- */

static inline void rig_check_free(void) {
    const struct http_server *s = &rig_app.http;
    const struct delivery *d = &rig_state.delivery;
    for (size_t i = 0; i < CFG_CONNECTIONS_MAX; i++) {
        assert_int_equal(s->conns[i].phase, HTTP_CONN_FREE);
    }
    assert_int_equal(s->connections_stats.used, 0);
    for (size_t i = 0; i < CFG_HTTP_BODY_BUFFERS; i++) {
        assert_false(s->body_taken[i]);
    }
    assert_int_equal(s->bodies_stats.used, 0);
    assert_null(rig_app.keyed_requests);
    for (size_t i = 0; i < CFG_REGISTRY_TRANSACTIONS_MAX; i++) {
        assert_int_equal(rig_state.registry.txns[i].state, REGISTRY_TXN_FREE);
    }
    for (size_t i = 0; i < CFG_SCRAPES_IN_FLIGHT_MAX; i++) {
        assert_int_equal(d->scrapes[i].handle, 0);
    }
    assert_int_equal(d->scrapes_stats.used, 0);
    for (size_t i = 0; i < CFG_SCRAPERS_MAX; i++) {
        if (d->scrapers.entries[i].seal != 0) {
            assert_int_equal(d->scrapers.entries[i].in_flight_count, 0);
        }
    }
}

/* A cmocka teardown: when the last client is gone, all that it had is free. */
static inline int rig_teardown(void **state) {
    (void)state;
    for (size_t i = 0; i < RIG_CLIENTS; i++) {
        rig_lose(&rig_clients[i]);
    }
    rig_check_free();
    return 0;
}

#define RIG_TEST(function) cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)

#endif
