/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * http_body.h: where a request's body ends, and its bytes without their framing: by
 * Content-Length or chunked (RFC 9112 sections 6 and 7.1). Incremental; chunk extensions are
 * passed over, trailers are read and dropped.
 */
#ifndef PINGSHOT_HTTP_BODY_H
#define PINGSHOT_HTTP_BODY_H

#include "problem.h"

struct http_body {
    uint8_t state;       /* enum in http_body.c */
    bool any_digit;      /* of the chunk size being read */
    uint16_t line_bytes; /* of a chunk-size or trailer line so far */
    uint32_t remaining;  /* bytes of the body or of this chunk still to come */
};

enum http_body_result {
    HTTP_BODY_MORE,
    HTTP_BODY_DONE,
    HTTP_BODY_ERROR, /* `*problem` says what; answer 400 and close */
};

/* A body of `length` bytes. */
void http_body_init_length(struct http_body *b, uint32_t length);

void http_body_init_chunked(struct http_body *b);

/* Reads framed bytes from `in` and writes the body's bytes to `out`, which may be the same place
 * or before it in the same buffer. At most `out_room` bytes are written. `*in_used` and
 * `*out_len` say how many were read and written; bytes behind the end of the body are not read.
 * It stops with HTTP_BODY_MORE when either runs out. */
enum http_body_result http_body_decode(struct http_body *b, const char *in, uint32_t in_len,
                                       uint32_t *in_used, char *out, uint32_t out_room,
                                       uint32_t *out_len, struct problem *problem);

#endif
