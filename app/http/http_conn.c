/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * http_conn.c: see http_conn.h. The phases of a connection, from one request to the next, and the
 * replies that handlers choose; http_request.h reads, http_response.h sends.
 */
#include "http/http_conn.h"

#include <stddef.h>

#include "clock.h"
#include "http/http_request.h"
#include "http/http_response.h"
#include "http/http_server.h"

_Static_assert(CFG_HTTP_REPLY_BYTES > PROBLEM_LINE_BYTES,
               "CFG_HTTP_REPLY_BYTES: more than PROBLEM_LINE_BYTES, a line and its end must fit");

/* ---- what handlers see ------------------------------------------------------------------ */

static struct slice part_of(const struct http_conn *c, struct http_part part) {
    return (struct slice){c->rx + part.offset, part.len};
}

struct slice http_conn_field(const struct http_conn *c, enum http_field field) {
    return part_of(c, c->parser.head.field[field]);
}

struct slice http_conn_query(const struct http_conn *c) {
    return part_of(c, c->parser.head.query);
}

struct slice http_conn_path(const struct http_conn *c) {
    return part_of(c, c->parser.head.path);
}

struct slice http_conn_head(const struct http_conn *c) {
    return (struct slice){c->rx, c->head_len};
}

struct slice http_conn_whole_body(const struct http_conn *c) {
    const char *start = c->body_buffer != NULL ? c->body_buffer : c->rx + c->head_len;
    return (struct slice){start, c->body_len};
}

uint8_t http_conn_media_type(const struct http_conn *c) {
    return http_media_type_of(http_conn_field(c, HTTP_FIELD_CONTENT_TYPE));
}

void http_conn_set_body_mode(struct http_conn *c, enum http_body_mode mode) {
    c->body_mode = (uint8_t)mode;
}

/* ---- replies ---------------------------------------------------------------------------- */

/* Replays what stands in c->reply: all of it, or nothing while there is no room for that. */
static bool source_reply(struct http_conn *c, struct text *out) {
    if (text_room(out) < c->response.reply_len) {
        return false;
    }
    text_put(out, c->reply, c->response.reply_len);
    return true;
}

static void reply(struct http_conn *c, enum http_status status, enum http_content_type type,
                  http_source source) {
    c->response.ready = true;
    c->response.status = (uint8_t)status;
    c->response.content_type = (uint8_t)type;
    c->response.source = source;
}

struct text http_conn_reply_begin(struct http_conn *c, enum http_status status) {
    reply(c, status, HTTP_TYPE_TEXT, source_reply);
    return text_over(c->reply, sizeof c->reply);
}

void http_conn_reply_end(struct http_conn *c, const struct text *t) {
    c->response.reply_len = (uint16_t)t->len;
}

void http_conn_refuse(struct http_conn *c, enum http_status status, const struct problem *p) {
    struct text t = http_conn_reply_begin(c, status);
    text_put(&t, p->line, p->line_len);
    text_put_char(&t, '\n');
    http_conn_reply_end(c, &t);
    c->response.retry_after = status == HTTP_SERVICE_UNAVAILABLE;
}

void http_conn_reply_problem(struct http_conn *c, const struct problem *p) {
    http_conn_refuse(c, http_status_of_problem(p->kind), p);
}

void http_conn_reply_empty(struct http_conn *c, enum http_status status) {
    reply(c, status, HTTP_TYPE_TEXT, NULL);
}

void http_conn_reply_source(struct http_conn *c, enum http_status status,
                            enum http_content_type type, http_source source) {
    reply(c, status, type, source);
}

void http_conn_await_acknowledgement(struct http_conn *c) {
    c->response.await_acknowledgement = true;
}

void http_conn_set_deadline(struct http_conn *c, uint32_t deadline_ms) {
    c->response.has_deadline = true;
    c->response.deadline_ms = deadline_ms;
}

/* ---- one request after the other -------------------------------------------------------- */

static void release(struct http_conn *c, enum http_outcome outcome) {
    if (c->held) {
        c->held = false;
        if (c->route->handler.release != NULL) {
            c->route->handler.release(c, outcome);
        }
    }
    if (c->body_buffer != NULL) {
        http_server_give_body(c->server, c->body_buffer);
        c->body_buffer = NULL;
    }
}

void http_conn_respond(struct http_conn *c) {
    c->phase = HTTP_CONN_RESPOND;
    c->acked_by_ms = c->server->now_ms + CFG_HTTP_STALL_TIMEOUT_MS;
}

void http_conn_give_up_request(struct http_conn *c, enum http_status status,
                               const struct problem *p) {
    release(c, HTTP_OUTCOME_ABANDONED);
    c->response = (struct http_response){.source = NULL};
    c->close_after = true;
    http_conn_respond(c);
    http_conn_refuse(c, status, p);
}

void http_conn_init(struct http_conn *c, struct http_server *server, struct transport *transport,
                    struct slice peer) {
    memset(c, 0, offsetof(struct http_conn, peer));
    c->server = server;
    c->transport = transport;
    c->acked_by_ms = server->now_ms + CFG_HTTP_STALL_TIMEOUT_MS;
    c->peer_len = peer.len < sizeof c->peer ? peer.len : (uint32_t)sizeof c->peer;
    memcpy(c->peer, peer.bytes, c->peer_len);
    http_request_init(c);
}

static void set_free(struct http_conn *c) {
    release(c, HTTP_OUTCOME_ABANDONED);
    c->phase = HTTP_CONN_FREE;
    http_server_freed(c->server);
}

static void linger(struct http_conn *c) {
    c->phase = HTTP_CONN_LINGER;
    c->acked_by_ms = c->server->now_ms + CFG_HTTP_STALL_TIMEOUT_MS;
    c->rx_len = 0;
    c->transport->ops->shutdown(c->transport);
}

/* ---- response --------------------------------------------------------------------------- */

static bool run_respond(struct http_conn *c) {
    if (!http_response_pump(c)) {
        return false;
    }
    if (c->response.await_acknowledgement) {
        if (c->close_after) {
            linger(c); /* released there */
            return true;
        }
        c->phase = HTTP_CONN_AWAIT;
        return true;
    }
    release(c, HTTP_OUTCOME_WRITTEN);
    if (c->close_after) {
        linger(c);
    } else {
        http_request_init(c);
    }
    return true;
}

/* True when all that was sent is acknowledged, and has been told to who waits for it. */
static bool run_await(struct http_conn *c) {
    if (c->acked_bytes != c->sent_bytes) {
        return false;
    }
    release(c, HTTP_OUTCOME_ACKNOWLEDGED);
    if (c->phase == HTTP_CONN_LINGER) {
        return false;
    }
    http_request_init(c);
    return true;
}

/* Goes on until something from outside is needed. */
static void run(struct http_conn *c) {
    bool goes_on = true;
    while (goes_on) {
        switch ((enum http_conn_phase)c->phase) {
        case HTTP_CONN_HEAD:
            goes_on = http_request_read_head(c);
            break;
        case HTTP_CONN_BODY:
            goes_on = http_request_read_body(c);
            break;
        case HTTP_CONN_RESPOND:
            goes_on = run_respond(c);
            break;
        case HTTP_CONN_AWAIT:
        case HTTP_CONN_LINGER:
            goes_on = run_await(c);
            break;
        case HTTP_CONN_FREE:
            goes_on = false;
            break;
        }
    }
    if (c->peer_closed && (c->phase == HTTP_CONN_HEAD || c->phase == HTTP_CONN_BODY)) {
        release(c, HTTP_OUTCOME_ABANDONED); /* the rest of this request will never come */
        linger(c);
    }
}

/* ---- events of the transport ------------------------------------------------------------ */

uint32_t http_conn_received(struct http_conn *c, const char *bytes, uint32_t n) {
    uint32_t taken = 0;
    http_server_look_at_clock(c->server);
    while (taken < n && c->phase != HTTP_CONN_LINGER) {
        uint32_t room = CFG_HTTP_RX_BYTES - c->rx_len;
        uint32_t k = n - taken < room ? n - taken : room;
        if (k == 0) {
            return taken;
        }
        if (c->phase == HTTP_CONN_HEAD && c->rx_len == 0 && bytes[taken] != '\r') {
            c->started_ms = c->server->now_ms;
        }
        memcpy(c->rx + c->rx_len, bytes + taken, k);
        c->rx_len += k;
        taken += k;
        run(c);
    }
    return n;
}

uint32_t http_conn_paced(const struct http_conn *c, uint32_t deadline_ms, uint32_t bytes,
                         uint32_t window_ms) {
    const uint32_t latest_ms = c->server->now_ms + window_ms;
    const uint32_t full_bytes = window_ms / 1000u * CFG_HTTP_MIN_BYTES_PER_S;
    if (bytes >= full_bytes) {
        return latest_ms;
    }
    deadline_ms += (bytes * 1000u + CFG_HTTP_MIN_BYTES_PER_S - 1) / CFG_HTTP_MIN_BYTES_PER_S;
    return clock_reached(deadline_ms, latest_ms) ? latest_ms : deadline_ms;
}

void http_conn_acknowledged(struct http_conn *c, uint32_t n) {
    http_server_look_at_clock(c->server);
    c->acked_bytes += n;
    /* Who has everything is late with nothing. */
    c->acked_by_ms = c->acked_bytes == c->sent_bytes
                         ? c->server->now_ms + CFG_HTTP_STALL_TIMEOUT_MS
                         : http_conn_paced(c, c->acked_by_ms, n, CFG_HTTP_STALL_TIMEOUT_MS);
    run(c);
}

void http_conn_drained(struct http_conn *c) {
    run(c);
}

void http_conn_peer_closed(struct http_conn *c) {
    c->peer_closed = true;
    run(c);
}

void http_conn_lost(struct http_conn *c) {
    set_free(c);
}

void http_conn_abort(struct http_conn *c) {
    c->transport->ops->abort(c->transport);
    set_free(c);
}

/* ---- deadlines -------------------------------------------------------------------------- */

static void time_out(struct http_conn *c, const char *line) {
    struct problem p;
    c->server->timeouts_total++;
    problem_set(&p, PROBLEM_MALFORMED, line);
    http_conn_give_up_request(c, HTTP_REQUEST_TIMEOUT, &p);
    run(c);
}

static void poll_head(struct http_conn *c, uint32_t now_ms) {
    uint32_t idle_ms = http_server_idle_timeout_ms(c->server, c);
    if (c->rx_len > 0) {
        if (clock_reached(now_ms, c->started_ms + CFG_HTTP_REQUEST_TIMEOUT_MS)) {
            time_out(c, "the request's head did not come in time");
        }
    } else if (clock_reached(now_ms, c->started_ms + idle_ms)) {
        linger(c);
    }
}

/* The client acknowledges what it was sent too slowly, or, when it has all of that and our end is
 * closed, does not close its own. */
static bool has_stalled(const struct http_conn *c, uint32_t now_ms) {
    uint32_t by_ms = c->acked_by_ms;
    if (c->acked_bytes == c->sent_bytes) {
        if (c->phase == HTTP_CONN_HEAD || c->phase == HTTP_CONN_BODY) {
            return false;
        }
        if (c->phase == HTTP_CONN_LINGER) {
            by_ms -= CFG_HTTP_STALL_TIMEOUT_MS - CFG_HTTP_LINGER_MS;
        }
    }
    return clock_reached(now_ms, by_ms);
}

/* Its response came to nothing by the deadline that the handler set. */
static bool is_overdue(const struct http_conn *c, uint32_t now_ms) {
    return c->held && c->response.has_deadline && clock_reached(now_ms, c->response.deadline_ms);
}

void http_conn_poll(struct http_conn *c, uint32_t now_ms) {
    if (c->phase == HTTP_CONN_RESPOND) {
        run(c); /* memory may have come free elsewhere */
    }
    if (c->phase == HTTP_CONN_FREE) {
        return;
    }
    if (has_stalled(c, now_ms) || is_overdue(c, now_ms)) {
        http_conn_abort(c);
    } else if (c->phase == HTTP_CONN_HEAD) {
        poll_head(c, now_ms);
    } else if (c->phase == HTTP_CONN_BODY && clock_reached(now_ms, c->body_by_ms)) {
        time_out(c, "the request's body did not come in time");
    }
}
