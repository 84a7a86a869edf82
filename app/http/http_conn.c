/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * http_conn.c: see http_conn.h. The receive buffer of a connection holds, in this order,
 *
 *     | head of the request | body bytes | bytes still framed, then the next request |
 *     0                  head_len  head_len+body_len   raw_start ... rx_len
 *
 * and what has been used moves out of it when a request ends.
 */
#include "http/http_conn.h"

#include "apart.h"
#include <stddef.h>

#include "clock.h"
#include "http/http_response.h"
#include "http/http_server.h"
#include "http/query.h"

_Static_assert(CFG_HTTP_REPLY_BYTES > PROBLEM_LINE_BYTES,
               "CFG_HTTP_REPLY_BYTES: more than PROBLEM_LINE_BYTES, a line and its end must fit");

_Static_assert(
    CFG_HTTP_BODY_BYTES >= CFG_HTTP_RX_BYTES,
    "CFG_HTTP_BODY_BYTES: at least CFG_HTTP_RX_BYTES, a full one moves to a body buffer");

/* A refused request's body up to this size is read and dropped, so that the connection can be
 * kept; for a longer one it is closed. */
#define DISCARD_BYTES_MAX 65536u

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

static const struct {
    struct slice name;
    uint8_t media_type;
} media_types[] = {
    {SLICE("application/json"), HTTP_MEDIA_JSON},
    {SLICE("application/x-www-form-urlencoded"), HTTP_MEDIA_FORM},
    {SLICE("text/plain"), HTTP_MEDIA_TEXT},
    {SLICE("application/openmetrics-text"), HTTP_MEDIA_OPENMETRICS},
};

uint8_t http_conn_media_type(const struct http_conn *c) {
    struct slice value = http_conn_field(c, HTTP_FIELD_CONTENT_TYPE);
    struct slice type = slice_trim(slice_cut(&value, ';'));
    for (uint32_t i = 0; i < sizeof media_types / sizeof media_types[0]; i++) {
        if (slice_equals_nocase(type, media_types[i].name)) {
            return media_types[i].media_type;
        }
    }
    return 0;
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

static void reply_status_line(struct http_conn *c, enum http_status status,
                              const struct problem *p) {
    struct text t = http_conn_reply_begin(c, status);
    text_put(&t, p->line, p->line_len);
    text_put_char(&t, '\n');
    http_conn_reply_end(c, &t);
    c->response.retry_after = status == HTTP_SERVICE_UNAVAILABLE;
}

void http_conn_reply_problem(struct http_conn *c, const struct problem *p) {
    reply_status_line(c, http_status_of_problem(p->kind), p);
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

static void enter_respond(struct http_conn *c) {
    c->phase = HTTP_CONN_RESPOND;
    c->acked_by_ms = c->server->now_ms + CFG_HTTP_STALL_TIMEOUT_MS;
}

/* A refusal after which the client cannot be understood any more. */
static void reply_and_close(struct http_conn *c, enum http_status status, const struct problem *p) {
    c->close_after = true;
    enter_respond(c);
    reply_status_line(c, status, p);
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

/* Makes ready for a request; what of it is here already stands at raw_start. */
static void next_request(struct http_conn *c) {
    c->rx_len -= c->raw_start;
    if (c->rx_len > 0) {
        memmove(c->rx, c->rx + c->raw_start, c->rx_len);
    }
    c->raw_start = 0;
    c->head_len = 0;
    c->body_len = 0;
    c->route = NULL;
    c->discard_body = false;
    c->response = (struct http_response){.source = NULL};
    http_parser_init(&c->parser);
    c->phase = HTTP_CONN_HEAD;
    c->started_ms = c->server->now_ms;
}

void http_conn_init(struct http_conn *c, struct http_server *server, struct transport *transport,
                    struct slice peer) {
    memset(c, 0, offsetof(struct http_conn, peer));
    c->server = server;
    c->transport = transport;
    c->acked_by_ms = server->now_ms + CFG_HTTP_STALL_TIMEOUT_MS;
    c->peer_len = peer.len < sizeof c->peer ? peer.len : (uint32_t)sizeof c->peer;
    memcpy(c->peer, peer.bytes, c->peer_len);
    next_request(c);
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

/* ---- head ------------------------------------------------------------------------------- */

/* 405, and 404 for a path that nothing answers. */
APART static void refuse_route(struct http_conn *c, struct slice path, uint8_t allowed) {
    struct problem p;
    if (allowed != 0) {
        problem_format(&p, PROBLEM_UNKNOWN, "method not allowed on %.*s; see the Allow header",
                       TEXT_SLICE(path));
    } else {
        problem_format(&p, PROBLEM_UNKNOWN, "nothing at %.*s; GET / lists what there is",
                       TEXT_SLICE(path));
    }
    c->response.allow = allowed;
    reply_status_line(c, allowed != 0 ? HTTP_METHOD_NOT_ALLOWED : HTTP_NOT_FOUND, &p);
}

APART static void refuse_media_type(struct http_conn *c, const char *what) {
    struct problem p;
    struct text t = problem_begin(&p, PROBLEM_MALFORMED);
    const char *separator = "; send ";
    text_puts(&t, what);
    for (uint32_t i = 0; i < sizeof media_types / sizeof media_types[0]; i++) {
        if ((c->route->media_types & media_types[i].media_type) != 0) {
            text_puts(&t, separator);
            text_put_slice(&t, media_types[i].name);
            separator = " or ";
        }
    }
    problem_end(&p, &t);
    reply_status_line(c, HTTP_UNSUPPORTED_MEDIA_TYPE, &p);
}

static void check_media_type(struct http_conn *c, bool has_body) {
    struct slice encoding = http_conn_field(c, HTTP_FIELD_CONTENT_ENCODING);
    struct slice type = http_conn_field(c, HTTP_FIELD_CONTENT_TYPE);
    if (c->route->media_types == 0) {
        return; /* a body here means nothing, whatever it is */
    }
    if (encoding.len > 0 && !slice_equals_nocase(encoding, SLICE("identity"))) {
        refuse_media_type(c, "Content-Encoding: only identity is taken");
    } else if (c->route->media_types == HTTP_MEDIA_ANY || (!has_body && c->route->body_optional)) {
        return;
    } else if (type.len == 0) {
        refuse_media_type(c, "no Content-Type");
    } else if ((http_conn_media_type(c) & c->route->media_types) == 0) {
        refuse_media_type(c, "Content-Type is not taken here");
    }
}

APART static void refuse_body_size(struct http_conn *c) {
    struct problem p;
    problem_format(&p, PROBLEM_TOO_LARGE, "body: more than the %u bytes that are taken here%s",
                   CFG_HTTP_BODY_BYTES,
                   c->route->too_large_hint != NULL ? c->route->too_large_hint : "");
    http_conn_reply_problem(c, &p);
}

/* A buffer for a body that must be whole but does not fit the receive buffer. What of it was
 * decoded already moves there. */
APART static void take_body_buffer(struct http_conn *c) {
    struct problem p;
    c->body_buffer = http_server_take_body(c->server);
    if (c->body_buffer == NULL) {
        problem_set(&p, PROBLEM_FULL, "body: all buffers for large bodies are in use; try again");
        http_conn_reply_problem(c, &p);
        return;
    }
    memcpy(c->body_buffer, c->rx + c->head_len, c->body_len);
}

/* Finds the handler and lets it look at the head. */
APART static void route_request(struct http_conn *c, bool has_body) {
    const struct http_head *head = &c->parser.head;
    char path_bytes[256];
    struct text path = text_over(path_bytes, sizeof path_bytes);
    uint8_t allowed = 0;
    if (!query_decode(http_conn_path(c), &path) && !path.overflow) {
        struct problem p;
        problem_set(&p, PROBLEM_MALFORMED, "path: a '%' must be followed by two hex digits");
        http_conn_reply_problem(c, &p);
        return;
    }
    if (path.len == 0) {
        text_put_char(&path, '/'); /* absolute form without a path */
    }
    c->route = router_find(text_slice(&path), head->method, &allowed);
    if (c->route == NULL) {
        refuse_route(c, http_conn_path(c), allowed);
        return;
    }
    check_media_type(c, has_body);
    if (c->response.ready) {
        return;
    }
    c->body_mode = c->route->body_mode;
    memset(c->state, 0, sizeof c->state);
    c->held = true;
    if (c->route->handler.begin != NULL) {
        c->route->handler.begin(c);
    }
    if (!c->response.ready && c->body_mode == HTTP_BODY_WHOLE && head->has_length) {
        if (head->content_length > CFG_HTTP_BODY_BYTES) {
            refuse_body_size(c);
        } else if (head->content_length > CFG_HTTP_RX_BYTES - c->head_len) {
            take_body_buffer(c);
        }
    }
}

/* The request is refused before all of its body came: read on to its end if that is near, so
 * that the connection lives on, or close. */
static void discard_rest(struct http_conn *c) {
    const struct http_head *head = &c->parser.head;
    c->discard_body = true;
    if (head->chunked || head->expect_continue ||
        head->content_length - c->body_received > DISCARD_BYTES_MAX) {
        c->close_after = true;
        enter_respond(c);
    }
}

static void end_request(struct http_conn *c, struct slice rest) {
    enter_respond(c);
    if (!c->response.ready) {
        c->route->handler.end(c, rest);
    }
}

/* Takes the room that the body needs. */
APART static void refuse_head(struct http_conn *c) {
    struct problem p;
    problem_format(&p, PROBLEM_TOO_LARGE,
                   "headers: more than %u bytes together with the request line, before a body",
                   HTTP_HEAD_BYTES);
    reply_and_close(c, HTTP_HEADER_FIELDS_TOO_LARGE, &p);
}

static void begin_request(struct http_conn *c) {
    const struct http_head *head = &c->parser.head;
    const bool has_body = head->chunked || head->content_length > 0;
    if (has_body && c->head_len > HTTP_HEAD_BYTES) {
        refuse_head(c);
        return;
    }
    c->raw_start = c->head_len;
    c->body_received = 0;
    c->close_after = !head->keep_alive;
    route_request(c, has_body);
    if (!has_body) {
        end_request(c, SLICE(""));
        return;
    }
    c->phase = HTTP_CONN_BODY;
    c->body_by_ms = c->server->now_ms + CFG_HTTP_REQUEST_TIMEOUT_MS;
    if (head->chunked) {
        http_body_init_chunked(&c->body);
    } else {
        http_body_init_length(&c->body, head->content_length);
    }
    if (c->response.ready) {
        discard_rest(c);
    } else if (head->expect_continue && c->rx_len == c->raw_start) {
        http_response_continue(c);
    }
}

/* Empty lines before a request (RFC 9112 section 2.2), as some clients send them behind a body, are
 * no beginning of one. */
static void drop_empty_lines(struct http_conn *c) {
    while (c->parser.scanned < 2 && c->rx_len >= 2 && memcmp(c->rx, "\r\n", 2) == 0) {
        c->rx_len -= 2;
        memmove(c->rx, c->rx + 2, c->rx_len);
        http_parser_init(&c->parser);
        if (c->rx_len > 0) {
            c->started_ms = c->server->now_ms;
        }
    }
}

/* Reads on in the head; one that cannot be read is answered. */
APART static enum http_parser_result parse_head(struct http_conn *c) {
    enum http_status status;
    struct problem p;
    const enum http_parser_result result =
        http_parser_run(&c->parser, c->rx, c->rx_len, &c->head_len, &status, &p);
    if (result == HTTP_PARSER_ERROR) {
        reply_and_close(c, status, &p);
    }
    return result;
}

static bool run_head(struct http_conn *c) {
    drop_empty_lines(c);
    if (c->rx_len == 0) {
        return false;
    }
    const enum http_parser_result result = parse_head(c);
    if (result == HTTP_PARSER_DONE) {
        begin_request(c);
    }
    return result != HTTP_PARSER_MORE;
}

/* A deadline that moves on as bytes come, a second for every CFG_HTTP_MIN_BYTES_PER_S of them, but
 * never further away than `window_ms`: neither a trickle nor a burst before a stall buys more. */
static uint32_t paced(const struct http_conn *c, uint32_t deadline_ms, uint32_t bytes,
                      uint32_t window_ms) {
    const uint32_t latest_ms = c->server->now_ms + window_ms;
    const uint32_t full_bytes = window_ms / 1000u * CFG_HTTP_MIN_BYTES_PER_S;
    if (bytes >= full_bytes) {
        return latest_ms;
    }
    deadline_ms += (bytes * 1000u + CFG_HTTP_MIN_BYTES_PER_S - 1) / CFG_HTTP_MIN_BYTES_PER_S;
    return clock_reached(deadline_ms, latest_ms) ? latest_ms : deadline_ms;
}

/* ---- body ------------------------------------------------------------------------------- */

/* Decodes what is there. Body bytes go behind those before them, or into the body buffer, or
 * nowhere. */
static enum http_body_result decode_body(struct http_conn *c, struct problem *p) {
    char *out = c->rx + c->head_len + c->body_len;
    uint32_t room = c->rx_len - c->raw_start;
    uint32_t used;
    uint32_t written;
    if (c->discard_body || c->body_mode == HTTP_BODY_IGNORED) {
        out = c->rx + c->raw_start;
    } else if (c->body_buffer != NULL) {
        out = c->body_buffer + c->body_len;
        room = CFG_HTTP_BODY_BYTES - c->body_len;
    }
    enum http_body_result result = http_body_decode(
        &c->body, c->rx + c->raw_start, c->rx_len - c->raw_start, &used, out, room, &written, p);
    c->raw_start += used;
    c->body_received += used;
    c->body_by_ms = paced(c, c->body_by_ms, used, CFG_HTTP_REQUEST_TIMEOUT_MS);
    if (!c->discard_body && c->body_mode != HTTP_BODY_IGNORED) {
        c->body_len += written;
    }
    return result;
}

/* Closes the gap that decoding left in the buffer, so that there is room to receive. */
static void close_gap(struct http_conn *c) {
    uint32_t kept = c->head_len + (c->body_buffer == NULL ? c->body_len : 0);
    memmove(c->rx + kept, c->rx + c->raw_start, c->rx_len - c->raw_start);
    c->rx_len -= c->raw_start - kept;
    c->raw_start = kept;
}

/* A body that has to be whole: make room for more of it. */
static void grow_whole_body(struct http_conn *c) {
    if (c->body_buffer == NULL) {
        if (c->rx_len == sizeof c->rx) {
            take_body_buffer(c);
            close_gap(c);
        }
    } else if (c->rx_len > c->raw_start) {
        refuse_body_size(c); /* the buffer is full and there is more */
    }
}

/* Hands a streamed body's bytes to the handler. */
static void stream_body(struct http_conn *c) {
    struct slice bytes = {c->rx + c->head_len, c->body_len};
    uint32_t used = c->route->handler.body(c, bytes);
    c->body_len -= used;
    if (used > 0) {
        memmove(c->rx + c->head_len, c->rx + c->head_len + used, c->body_len);
    }
}

/* Decodes what is there; what cannot be read is answered. */
APART static enum http_body_result take_body(struct http_conn *c) {
    struct problem p;
    const enum http_body_result result = decode_body(c, &p);
    if (result == HTTP_BODY_ERROR) {
        release(c, HTTP_OUTCOME_ABANDONED);
        reply_and_close(c, HTTP_BAD_REQUEST, &p);
    }
    return result;
}

static bool run_body(struct http_conn *c) {
    const enum http_body_result result = take_body(c);
    if (result == HTTP_BODY_ERROR) {
        return true;
    }
    if (!c->discard_body && c->body_mode == HTTP_BODY_STREAMED && c->body_len > 0) {
        stream_body(c);
    }
    if (result == HTTP_BODY_MORE) {
        close_gap(c);
        if (!c->discard_body && c->body_mode == HTTP_BODY_WHOLE) {
            grow_whole_body(c);
        }
        if (c->response.ready && !c->discard_body) {
            discard_rest(c);
            return true;
        }
        return false;
    }
    end_request(c, (struct slice){c->rx + c->head_len, c->body_len});
    return true;
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
        next_request(c);
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
    next_request(c);
    return true;
}

/* Goes on until something from outside is needed. */
static void run(struct http_conn *c) {
    bool goes_on = true;
    while (goes_on) {
        switch ((enum http_conn_phase)c->phase) {
        case HTTP_CONN_HEAD:
            goes_on = run_head(c);
            break;
        case HTTP_CONN_BODY:
            goes_on = run_body(c);
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

void http_conn_acknowledged(struct http_conn *c, uint32_t n) {
    http_server_look_at_clock(c->server);
    c->acked_bytes += n;
    /* Who has everything is late with nothing. */
    c->acked_by_ms = c->acked_bytes == c->sent_bytes
                         ? c->server->now_ms + CFG_HTTP_STALL_TIMEOUT_MS
                         : paced(c, c->acked_by_ms, n, CFG_HTTP_STALL_TIMEOUT_MS);
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
    release(c, HTTP_OUTCOME_ABANDONED);
    c->response = (struct http_response){.source = NULL};
    reply_and_close(c, HTTP_REQUEST_TIMEOUT, &p);
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
