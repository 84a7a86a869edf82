/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * http_request.c: see http_request.h. The receive buffer of a connection holds, in this order,
 *
 *     | head of the request | body bytes | bytes still framed, then the next request |
 *     0                  head_len  head_len+body_len   raw_start ... rx_len
 *
 * and what has been used moves out of it when a request ends.
 */
#include "http/http_request.h"

#include "apart.h"
#include "http/http_response.h"
#include "http/http_server.h"
#include "http/query.h"

_Static_assert(
    CFG_HTTP_BODY_BYTES >= CFG_HTTP_RX_BYTES,
    "CFG_HTTP_BODY_BYTES: at least CFG_HTTP_RX_BYTES, a full one moves to a body buffer");

/* A refused request's body up to this size is read and dropped, so that the connection can be
 * kept; for a longer one it is closed. */
#define DISCARD_BYTES_MAX 65536u

void http_request_init(struct http_conn *c) {
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
    http_conn_refuse(c, allowed != 0 ? HTTP_METHOD_NOT_ALLOWED : HTTP_NOT_FOUND, &p);
}

APART static void refuse_media_type(struct http_conn *c, const char *what) {
    struct problem p;
    struct text t = problem_begin(&p, PROBLEM_MALFORMED);
    text_puts(&t, what);
    text_puts(&t, "; send ");
    http_media_put_names(&t, c->route->media_types);
    problem_end(&p, &t);
    http_conn_refuse(c, HTTP_UNSUPPORTED_MEDIA_TYPE, &p);
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
        http_conn_respond(c);
    }
}

static void end_request(struct http_conn *c, struct slice rest) {
    http_conn_respond(c);
    if (!c->response.ready) {
        c->route->handler.end(c, rest);
    }
}

/* It takes the room that the body needs. */
APART static void refuse_head(struct http_conn *c) {
    struct problem p;
    problem_format(&p, PROBLEM_TOO_LARGE,
                   "headers: more than %u bytes together with the request line, before a body",
                   HTTP_HEAD_BYTES);
    http_conn_give_up_request(c, HTTP_HEADER_FIELDS_TOO_LARGE, &p);
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
        http_conn_give_up_request(c, status, &p);
    }
    return result;
}

bool http_request_read_head(struct http_conn *c) {
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
    c->body_by_ms = http_conn_paced(c, c->body_by_ms, used, CFG_HTTP_REQUEST_TIMEOUT_MS);
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
        http_conn_give_up_request(c, HTTP_BAD_REQUEST, &p);
    }
    return result;
}

bool http_request_read_body(struct http_conn *c) {
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
