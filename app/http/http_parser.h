/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * http_parser.h: the head of a request (RFC 9112 sections 2 to 6), read incrementally from a
 * buffer that only grows. It keeps offsets, no copies, and looks at each byte once however the
 * bytes arrive. Strict: what RFC 9112 lets a server refuse, it refuses.
 */
#ifndef PINGSHOT_HTTP_PARSER_H
#define PINGSHOT_HTTP_PARSER_H

#include "config.h"
#include "http/http_status.h"
#include "text.h"

/* Longest head of a request with a body, in bytes: the rest of the receive buffer holds the longest
 * line of it. Without a body the head may take all of the buffer. */
#define HTTP_HEAD_BYTES (CFG_HTTP_RX_BYTES - CFG_LINE_BYTES)

enum http_method {
    HTTP_METHOD_GET = 1u << 0,
    HTTP_METHOD_HEAD = 1u << 1,
    HTTP_METHOD_POST = 1u << 2,
    HTTP_METHOD_DELETE = 1u << 3,
    HTTP_METHOD_OTHER = 1u << 4, /* a well-formed method that nothing here answers */
};

/* The header fields whose values are kept for handlers. */
enum http_field {
    HTTP_FIELD_ACCEPT,
    HTTP_FIELD_CONTENT_ENCODING,
    HTTP_FIELD_CONTENT_TYPE,
    HTTP_FIELD_IDEMPOTENCY_KEY, /* repeated: of len 0, which is no key */
    HTTP_FIELD_SCRAPE_TIMEOUT,  /* X-Prometheus-Scrape-Timeout-Seconds */
    HTTP_FIELD_USER_AGENT,
    HTTP_FIELD_X_FORWARDED_FOR,
    HTTP_FIELD_X_REAL_IP,
    HTTP_FIELD_COUNT
};

/* A part of the buffer. An absent one has len 0 and offset 0, an empty one only len 0. */
struct http_part {
    uint16_t offset;
    uint16_t len;
};

struct http_head {
    uint8_t method;        /* one of enum http_method */
    uint8_t minor_version; /* of HTTP/1 */
    bool keep_alive;       /* the client wants, or at least allows, another request */
    bool chunked;          /* Transfer-Encoding: chunked */
    bool has_length;       /* Content-Length was given */
    bool expect_continue;  /* Expect: 100-continue */
    bool has_host;
    bool has_transfer_encoding;
    uint32_t content_length;
    struct http_part path;  /* as sent, percent-encoded, without the query */
    struct http_part query; /* behind the '?', as sent */
    struct http_part field[HTTP_FIELD_COUNT];
};

struct http_parser {
    struct http_head head;
    uint32_t line_start; /* offset of the line that is not complete yet */
    uint32_t scanned;    /* no line feed stands before this offset */
    uint16_t line;       /* lines read so far, the request line is 1 */
};

enum http_parser_result {
    HTTP_PARSER_MORE,  /* the head is not complete */
    HTTP_PARSER_DONE,  /* it is, `*head_bytes` long */
    HTTP_PARSER_ERROR, /* `*status` and `*problem` say what to answer; close afterwards */
};

void http_parser_init(struct http_parser *p);

/* Reads on in `buffer`, of which `len` bytes are there: the same bytes as in earlier calls, and
 * perhaps more behind them. */
enum http_parser_result http_parser_run(struct http_parser *p, const char *buffer, uint32_t len,
                                        uint32_t *head_bytes, enum http_status *status,
                                        struct problem *problem);

#endif
