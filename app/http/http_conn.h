/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * http_conn.h: one connection's HTTP/1.1 (RFC 9112): requests in, responses out, each pulled
 * from its source when the transport has room, so that no response is ever held in memory.
 * Between them stands a handler (router.h), which sees requests and replies, never a socket.
 */
#ifndef PINGSHOT_HTTP_CONN_H
#define PINGSHOT_HTTP_CONN_H

#include "http/http_body.h"
#include "http/http_parser.h"
#include "http/router.h"
#include "transport.h"

/* What a handler can keep for the length of a request and its response, in bytes. */
#define HTTP_CONN_STATE_BYTES (24u * sizeof(void *))

/* Longest address of a client as text, in bytes: "ffff:...:255.255.255.255" and a zone. */
#define HTTP_CONN_PEER_BYTES 56u

struct http_server;
struct http_conn;

/* A body source: appends the next bytes of the body to `out`, whole lines, as many as fit, and
 * returns true when these were the last. Everything it changes must be in the handler's state
 * (http_conn_state): when the transport is short of memory that is put back, and the source is
 * asked again. */
typedef bool (*http_source)(struct http_conn *c, struct text *out);

enum http_conn_phase {
    HTTP_CONN_FREE,
    HTTP_CONN_HEAD,    /* reading a request's head, or idle */
    HTTP_CONN_BODY,    /* reading its body */
    HTTP_CONN_RESPOND, /* writing the response */
    HTTP_CONN_AWAIT,   /* all written; the next request waits for the acknowledgement */
    HTTP_CONN_LINGER,  /* our end is closed; what still arrives is dropped */
};

struct http_response {
    http_source source;   /* NULL: no body */
    uint8_t status;       /* enum http_status */
    uint8_t content_type; /* enum http_content_type */
    bool ready;           /* a handler has replied */
    bool started;         /* the head is out */
    bool chunked;
    bool done;        /* all of it is with the transport */
    bool retry_after; /* say when to come again */
    bool await_acknowledgement;
    bool has_deadline;
    uint32_t deadline_ms; /* cut off when it is not out and acknowledged by then */
    uint8_t allow;        /* methods for the Allow header, 0: none */
    uint16_t reply_len;   /* of the short reply in http_conn.reply */
    uint32_t first_byte;  /* sent_bytes before it */
};

/* What is used most stands first: a processor's short instructions reach no further. */
struct http_conn {
    uint8_t phase;     /* enum http_conn_phase */
    uint8_t body_mode; /* enum http_body_mode */
    bool held;         /* begin was called and release was not */
    bool discard_body; /* replied already: the rest of the body is read and dropped */
    bool close_after;  /* close when this response is out */
    bool peer_closed;  /* the client has sent its FIN */
    bool scraper;      /* scrapes: the last to be cut off */
    struct http_server *server;
    struct http_response response;
    struct transport *transport;
    const struct http_route *route; /* of the request under way */
    uint32_t head_len;              /* bytes of the request's head at the front of rx */
    uint32_t body_len;              /* bytes of the body behind it, or in body_buffer */
    uint32_t raw_start;             /* bytes of rx from here on are still framed */
    uint32_t rx_len;
    uint32_t body_received; /* bytes, framing included */
    char *body_buffer;      /* from the server's pool, or NULL */
    uint32_t sent_bytes;    /* taken by the transport since the connection began; wraps */
    uint32_t acked_bytes;   /* of those, acknowledged by the client's TCP; wraps */
    uint32_t started_ms;    /* first byte of this request, or start of waiting for it */
    uint32_t body_by_ms;    /* when more of the body has to be here: it moves as it comes */
    uint32_t acked_by_ms;   /* when more of what was sent has to be acknowledged, likewise */
    struct http_body body;
    struct http_parser parser;
    uint32_t peer_len;
    char peer[HTTP_CONN_PEER_BYTES];
    uint64_t state[HTTP_CONN_STATE_BYTES / sizeof(uint64_t)];
    char reply[CFG_HTTP_REPLY_BYTES];
    char rx[CFG_HTTP_RX_BYTES];
};

/* ---- for the transport (see transport.h) ------------------------------------------------- */

/* `n` bytes came. Returns how many were taken; the others are to be offered again. */
uint32_t http_conn_received(struct http_conn *c, const char *bytes, uint32_t n);

/* The client's TCP has acknowledged `n` more bytes. */
void http_conn_acknowledged(struct http_conn *c, uint32_t n);

/* There is room to write again. */
void http_conn_drained(struct http_conn *c);

/* The client will send no more. */
void http_conn_peer_closed(struct http_conn *c);

/* The connection is gone: reset, timed out, or closed on both sides. `c` is free afterwards. */
void http_conn_lost(struct http_conn *c);

/* ---- for handlers ----------------------------------------------------------------------- */

/* Scratch memory of this request and its response, zeroed before begin. */
static inline void *http_conn_state(struct http_conn *c) {
    return c->state;
}

/* The field's value, or an empty slice. Valid until the response is out. */
struct slice http_conn_field(const struct http_conn *c, enum http_field field);
struct slice http_conn_query(const struct http_conn *c);

/* The path as sent, percent-encoded. */
struct slice http_conn_path(const struct http_conn *c);

/* The request line and header as they came, the last empty line included. */
struct slice http_conn_head(const struct http_conn *c);

/* The body of a request in mode HTTP_BODY_WHOLE. Valid until the response is out. */
struct slice http_conn_whole_body(const struct http_conn *c);

/* The media type of the body: one bit of enum http_media_type, or 0. */
uint8_t http_conn_media_type(const struct http_conn *c);

/* In begin only. */
void http_conn_set_body_mode(struct http_conn *c, enum http_body_mode mode);

/* Replies are chosen once per request. A short text of at most CFG_HTTP_REPLY_BYTES: */
struct text http_conn_reply_begin(struct http_conn *c, enum http_status status);
void http_conn_reply_end(struct http_conn *c, const struct text *t);

/* An error line; 503 says when to come again. */
void http_conn_reply_problem(struct http_conn *c, const struct problem *p);

/* No body at all (204). */
void http_conn_reply_empty(struct http_conn *c, enum http_status status);

enum http_content_type {
    HTTP_TYPE_TEXT,        /* text/plain; charset=utf-8 */
    HTTP_TYPE_EXPOSITION,  /* text/plain; version=0.0.4; charset=utf-8 */
    HTTP_TYPE_OPENMETRICS, /* application/openmetrics-text; version=1.0.0; charset=utf-8 */
    HTTP_TYPE_JSON,        /* application/json */
};

/* The bytes that `source` makes. */
void http_conn_reply_source(struct http_conn *c, enum http_status status,
                            enum http_content_type type, http_source source);

/* Asks that release is told of the client's acknowledgement. The next request of this connection
 * waits for it. */
void http_conn_await_acknowledgement(struct http_conn *c);

/* Cuts the connection off if the response is not out (and acknowledged, if that is awaited) at
 * `deadline_ms`: a body that means nothing any more must not seem complete. */
void http_conn_set_deadline(struct http_conn *c, uint32_t deadline_ms);

/* ---- for http_request ------------------------------------------------------------------- */

/* Replies with the line of a problem and a status that the kind of problem does not tell. */
void http_conn_refuse(struct http_conn *c, enum http_status status, const struct problem *p);

/* The request is read: the response is sent from here on. */
void http_conn_respond(struct http_conn *c);

/* A refusal after which the client cannot be understood any more: the handler is told that its
 * request is over, and the connection closes behind the response. */
void http_conn_give_up_request(struct http_conn *c, enum http_status status,
                               const struct problem *p);

/* A deadline that moves on as bytes come, a second for every CFG_HTTP_MIN_BYTES_PER_S of them, but
 * never further away than `window_ms`: neither a trickle nor a burst before a stall buys more. */
uint32_t http_conn_paced(const struct http_conn *c, uint32_t deadline_ms, uint32_t bytes,
                         uint32_t window_ms);

/* ---- for http_server -------------------------------------------------------------------- */

void http_conn_init(struct http_conn *c, struct http_server *server, struct transport *transport,
                    struct slice peer);

/* Looks at the deadlines. */
void http_conn_poll(struct http_conn *c, uint32_t now_ms);

/* Ends it at once. `c` is free afterwards. */
void http_conn_abort(struct http_conn *c);

#endif
