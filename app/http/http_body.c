/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * http_body.c: see http_body.h.
 */
#include "http/http_body.h"

/* Leading zeros of a chunk size, extensions and trailers mean nothing here; this bounds what a
 * client can send of them. */
#define LINE_BYTES_MAX 1024u

enum state {
    STATE_DONE,
    STATE_LENGTH,       /* in a body with Content-Length */
    STATE_SIZE,         /* in the digits of a chunk size */
    STATE_EXTENSION,    /* behind them, up to CR */
    STATE_SIZE_LF,      /* behind that CR */
    STATE_DATA,         /* in a chunk's data */
    STATE_DATA_CR,      /* at the CR that ends it */
    STATE_DATA_LF,      /* behind that CR */
    STATE_TRAILER,      /* at the start of a trailer line, or of the last empty line */
    STATE_TRAILER_LINE, /* in a trailer line, up to CR */
    STATE_TRAILER_LF,   /* behind that CR */
    STATE_END_LF,       /* behind the CR of the last, empty line */
};

void http_body_init_length(struct http_body *b, uint32_t length) {
    *b = (struct http_body){.state = length > 0 ? STATE_LENGTH : STATE_DONE, .remaining = length};
}

void http_body_init_chunked(struct http_body *b) {
    *b = (struct http_body){.state = STATE_SIZE};
}

static bool malformed(struct problem *problem, const char *what) {
    return problem_format(problem, PROBLEM_MALFORMED, "chunked body: %s", what);
}

static bool count_byte(struct http_body *b, struct problem *problem) {
    if (++b->line_bytes > LINE_BYTES_MAX) {
        return malformed(problem, "chunk size, extension or trailer longer than 1024 bytes");
    }
    return true;
}

static bool step_size(struct http_body *b, char c, struct problem *problem) {
    int digit = text_hex_digit(c);
    if (c != '\r' && !count_byte(b, problem)) {
        return false;
    }
    if (digit >= 0) {
        if (b->remaining >> 28 != 0) {
            return malformed(problem, "chunk size is above 4 GiB");
        }
        b->remaining = b->remaining << 4 | (uint32_t)digit;
        b->any_digit = true;
        return true;
    }
    if (!b->any_digit) {
        return malformed(problem, "a chunk must begin with its size in hex digits");
    }
    if (c == '\r') {
        b->state = STATE_SIZE_LF;
    } else if (c == ';' || c == ' ' || c == '\t') {
        b->state = STATE_EXTENSION;
    } else {
        return malformed(problem, "a chunk size must be hex digits and end in CR LF");
    }
    return true;
}

/* Passes over an extension or a trailer line; `after` is the state behind its CR. */
static bool step_skip(struct http_body *b, char c, enum state after, struct problem *problem) {
    uint8_t u = (uint8_t)c;
    if (c == '\r') {
        b->state = (uint8_t)after;
        return true;
    }
    if (!count_byte(b, problem)) {
        return false;
    }
    if ((u < 0x20 && c != '\t') || u == 0x7f) {
        return malformed(problem, "control character in a chunk extension or trailer");
    }
    return true;
}

static bool step_line_end(struct http_body *b, char c, char expected, enum state after,
                          struct problem *problem) {
    if (c != expected) {
        return malformed(problem, "CR LF expected after a chunk's size, data or trailer");
    }
    b->line_bytes = 0;
    b->state = (uint8_t)after;
    return true;
}

/* One byte of framing. */
static bool step(struct http_body *b, char c, struct problem *problem) {
    switch ((enum state)b->state) {
    case STATE_SIZE:
        return step_size(b, c, problem);
    case STATE_EXTENSION:
        return step_skip(b, c, STATE_SIZE_LF, problem);
    case STATE_SIZE_LF:
        b->any_digit = false;
        return step_line_end(b, c, '\n', b->remaining > 0 ? STATE_DATA : STATE_TRAILER, problem);
    case STATE_DATA_CR:
        return step_line_end(b, c, '\r', STATE_DATA_LF, problem);
    case STATE_DATA_LF:
        return step_line_end(b, c, '\n', STATE_SIZE, problem);
    case STATE_TRAILER:
        b->state = c == '\r' ? STATE_END_LF : STATE_TRAILER_LINE;
        return c == '\r' || step_skip(b, c, STATE_TRAILER_LF, problem);
    case STATE_TRAILER_LINE:
        return step_skip(b, c, STATE_TRAILER_LF, problem);
    case STATE_TRAILER_LF:
        /* line_bytes goes on counting: all trailers together are bounded. */
        b->state = STATE_TRAILER;
        return c == '\n' || malformed(problem, "CR LF expected after a trailer");
    case STATE_END_LF:
        return step_line_end(b, c, '\n', STATE_DONE, problem);
    case STATE_DONE:
    case STATE_LENGTH:
    case STATE_DATA:
        break;
    }
    return true;
}

/* Moves body bytes; returns how many. */
static uint32_t move(struct http_body *b, const char *in, uint32_t in_len, char *out,
                     uint32_t room) {
    uint32_t n = in_len < b->remaining ? in_len : b->remaining;
    n = n < room ? n : room;
    if (out != in && n > 0) {
        memmove(out, in, n);
    }
    b->remaining -= n;
    if (b->remaining == 0) {
        b->state = b->state == STATE_LENGTH ? STATE_DONE : STATE_DATA_CR;
    }
    return n;
}

enum http_body_result http_body_decode(struct http_body *b, const char *in, uint32_t in_len,
                                       uint32_t *in_used, char *out, uint32_t out_room,
                                       uint32_t *out_len, struct problem *problem) {
    uint32_t used = 0;
    uint32_t written = 0;
    while (b->state != STATE_DONE && used < in_len) {
        if (b->state == STATE_LENGTH || b->state == STATE_DATA) {
            uint32_t n = move(b, in + used, in_len - used, out + written, out_room - written);
            if (n == 0) {
                break;
            }
            used += n;
            written += n;
        } else if (!step(b, in[used++], problem)) {
            return HTTP_BODY_ERROR;
        }
    }
    *in_used = used;
    *out_len = written;
    return b->state == STATE_DONE ? HTTP_BODY_DONE : HTTP_BODY_MORE;
}
