/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * http_response.c: see http_response.h. Every piece is made in the server's one buffer, as
 *
 *     | head, or nothing | chunk size | body bytes from the source | chunk end |
 *
 * with the body's place fixed first, so that what stands before it can be written when the
 * body's length is known. A body that fits into the first piece gets a Content-Length. Later pieces
 * begin in the buffer as they will within the words of a segment: so they are copied there by whole
 * words.
 */
#include "http/http_response.h"

#include "http/http_server.h"

#define CHUNK_SIZE_DIGITS 4u /* always as many: a piece is below 64 KiB */
#define CHUNK_SIZE_BYTES (CHUNK_SIZE_DIGITS + 2u)
#define WORD_BYTES 4u
#define CHUNK_END_BYTES 7u /* CR LF, and "0" CR LF CR LF behind the last */

_Static_assert(CFG_HTTP_TX_BYTES <= 65535, "CFG_HTTP_TX_BYTES: at most 65535, one chunk's size");
_Static_assert(CFG_HTTP_TX_BYTES >= HTTP_RESPONSE_HEAD_BYTES + WORD_BYTES + CHUNK_SIZE_BYTES +
                                        CHUNK_END_BYTES + CFG_LINE_BYTES,
               "CFG_HTTP_TX_BYTES: a head and a line of CFG_LINE_BYTES must fit together");

/* ---- head ------------------------------------------------------------------------------- */

static struct slice content_type(const struct http_response *r) {
    static const struct slice types[] = {
        [HTTP_TYPE_TEXT] = SLICE("text/plain; charset=utf-8"),
        [HTTP_TYPE_EXPOSITION] = SLICE("text/plain; version=0.0.4; charset=utf-8"),
        [HTTP_TYPE_OPENMETRICS] =
            SLICE("application/openmetrics-text; version=1.0.0; charset=utf-8"),
        [HTTP_TYPE_JSON] = SLICE("application/json"),
    };
    return types[r->content_type];
}

static void put_allow(struct text *t, uint8_t methods) {
    static const char *const names[] = {"GET", "HEAD", "POST", "DELETE"};
    const char *separator = "\r\nAllow: ";
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (((uint32_t)methods >> i & 1u) != 0) {
            text_puts(t, separator);
            text_puts(t, names[i]);
            separator = ", ";
        }
    }
}

/* `body_bytes` is the length of the whole body if `length_known`. Each field begins with the end of
 * the line before it. */
static void put_head(struct text *t, const struct http_conn *c, bool length_known,
                     uint32_t body_bytes) {
    const struct http_response *r = &c->response;
    text_put_slice(t, SLICE("HTTP/1.1 "));
    text_puts(t, http_status_name((enum http_status)r->status));
    if (c->server->date_len > 0) {
        text_put_slice(t, SLICE("\r\nDate: "));
        text_put(t, c->server->date, c->server->date_len);
    }
    if (r->source != NULL) {
        text_put_slice(t, SLICE("\r\nContent-Type: "));
        text_put_slice(t, content_type(r));
        /* Bodies repeat what clients sent: no browser may take one for a page. */
        text_put_slice(t, SLICE("\r\nX-Content-Type-Options: nosniff"));
        if (length_known) {
            text_put_slice(t, SLICE("\r\nContent-Length: "));
            text_put_u64(t, body_bytes);
        } else if (r->chunked) {
            text_put_slice(t, SLICE("\r\nTransfer-Encoding: chunked"));
        }
    }
    if (r->allow != 0) {
        put_allow(t, r->allow);
    }
    if (r->retry_after) {
        text_put_slice(t, SLICE("\r\nRetry-After: 1"));
    }
    if (c->close_after) {
        text_put_slice(t, SLICE("\r\nConnection: close"));
    } else if (c->parser.head.minor_version == 0) {
        text_put_slice(t, SLICE("\r\nConnection: keep-alive"));
    }
    text_put_slice(t, SLICE("\r\n\r\n"));
}

/* ---- pieces ----------------------------------------------------------------------------- */

static bool sends_body(const struct http_conn *c) {
    return c->response.source != NULL && c->parser.head.method != HTTP_METHOD_HEAD;
}

/* A scraper keeps its connection, unless scrapers had then all that there are over TLS: nobody else
 * could come without cutting one of them off. */
static bool is_needed_for_others(const struct http_conn *c) {
    if (c->scraper) {
        return c->transport->secure && http_server_has_only_scrapers(c->server);
    }
    return http_server_is_short(c->server) || c->transport->ops->is_short(c->transport);
}

/* Decides, when the first piece is made, how the body is framed and what becomes of the
 * connection. */
static void start(struct http_conn *c, bool length_known) {
    struct http_response *r = &c->response;
    r->chunked = !length_known && c->parser.head.minor_version >= 1;
    bool until_close = !length_known && !r->chunked && sends_body(c);
    if (until_close || is_needed_for_others(c)) {
        c->close_after = true;
    }
}

/* Writes the chunk size before `body` and the chunk's end behind it; returns how many bytes the
 * size took. */
static uint32_t frame_chunk(struct text *body, char *before_body, bool last) {
    if (body->len == 0) {
        text_put_slice(body, last ? SLICE("0\r\n\r\n") : SLICE(""));
        return 0;
    }
    char *size = before_body - CHUNK_SIZE_BYTES;
    for (uint32_t i = 0; i < CHUNK_SIZE_DIGITS; i++) {
        size[i] = "0123456789abcdef"[body->len >> (4u * (CHUNK_SIZE_DIGITS - 1u - i)) & 15u];
    }
    memcpy(before_body - 2, "\r\n", 2);
    text_put_slice(body, last ? SLICE("\r\n0\r\n\r\n") : SLICE("\r\n"));
    return CHUNK_SIZE_BYTES;
}

/* Makes the next piece: `*bytes` points at it. False when there is not enough room for any. */
static bool make_piece(struct http_conn *c, uint32_t room, struct slice *bytes) {
    struct http_response *r = &c->response;
    const uint32_t begin =
        r->started ? (c->sent_bytes - r->first_byte) % WORD_BYTES : HTTP_RESPONSE_HEAD_BYTES;
    const uint32_t front = begin + CHUNK_SIZE_BYTES;
    if (room < front + CHUNK_END_BYTES) {
        return false;
    }
    char *body_start = c->server->tx + front;
    struct text body = text_over(body_start, room - front - CHUNK_END_BYTES);
    r->done = r->source == NULL || r->source(c, &body);
    if (body.len == 0 && !r->done) {
        return false; /* its next line is longer than the room */
    }
    body.capacity += CHUNK_END_BYTES;
    char *piece = body_start;
    uint32_t body_bytes = body.len;
    if (!r->started) {
        start(c, r->done);
        r->done = r->done || !sends_body(c);
    }
    if (!sends_body(c)) {
        body.len = 0;
    } else if (r->chunked) {
        piece -= frame_chunk(&body, body_start, r->done);
    }
    if (!r->started) {
        char head_bytes[HTTP_RESPONSE_HEAD_BYTES];
        struct text head = text_over(head_bytes, sizeof head_bytes);
        put_head(&head, c, !r->chunked && r->done, body_bytes);
        piece -= head.len;
        memcpy(piece, head.bytes, head.len);
    }
    *bytes = (struct slice){piece, (uint32_t)(body_start + body.len - piece)};
    return true;
}

/* Sends one piece. False: nothing could be sent now. */
static bool send_piece(struct http_conn *c) {
    struct slice piece;
    uint32_t room = c->transport->ops->writable(c->transport);
    if (room > CFG_HTTP_TX_BYTES) {
        room = CFG_HTTP_TX_BYTES;
    } else if (room < CFG_HTTP_TX_ROOM_BYTES && c->sent_bytes != c->acked_bytes) {
        return false; /* more room is on its way: few large pieces rather than many small ones */
    }
    const struct http_response response_before = c->response;
    uint64_t state_before[sizeof c->state / sizeof c->state[0]];
    memcpy(state_before, c->state, sizeof state_before);
    const bool close_before = c->close_after;
    if (make_piece(c, room, &piece)) {
        const bool more = !c->response.done;
        if (piece.len == 0 ||
            c->transport->ops->write(c->transport, piece.bytes, piece.len, more) > 0) {
            if (!c->response.started) {
                c->response.started = true;
                c->response.first_byte = c->sent_bytes;
                http_server_count(c->server, c->route, (enum http_status)c->response.status);
            }
            c->sent_bytes += piece.len;
            return true;
        }
    }
    /* Not taken: as if it had not been made. */
    c->response = response_before;
    memcpy(c->state, state_before, sizeof state_before);
    c->close_after = close_before;
    return false;
}

bool http_response_pump(struct http_conn *c) {
    while (!c->response.done) {
        if (!send_piece(c)) {
            return false;
        }
    }
    return true;
}

bool http_response_continue(struct http_conn *c) {
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const uint32_t n = sizeof line - 1;
    if (c->transport->ops->writable(c->transport) < n ||
        c->transport->ops->write(c->transport, line, n, false) <= 0) {
        return false;
    }
    c->sent_bytes += n;
    c->acked_by_ms = c->server->now_ms + CFG_HTTP_STALL_TIMEOUT_MS; /* it may have been idle */
    return true;
}
