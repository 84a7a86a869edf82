/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * problem.h: why something was refused, as one line for the person who reads it: what was wrong,
 * where (line, label, byte), and what would be right.
 */
#ifndef PINGSHOT_PROBLEM_H
#define PINGSHOT_PROBLEM_H

#include "text.h"

/* Longest error line, in bytes. */
#define PROBLEM_LINE_BYTES 240u

enum problem_kind {
    PROBLEM_NONE = 0,
    PROBLEM_MALFORMED, /* the input breaks its own format: 400 */
    PROBLEM_UNKNOWN,   /* names something that does not exist: 404 */
    PROBLEM_CONFLICT,  /* contradicts what exists: 409 */
    PROBLEM_TOO_LARGE, /* more than a request may have: 413 */
    PROBLEM_REUSED,    /* has the Idempotency-Key of another request: 422 */
    PROBLEM_FULL,      /* a table has no room: 503, try later */
    PROBLEM_BUSY,      /* another request is changing the same thing: 503, try at once */
};

struct problem {
    enum problem_kind kind;
    uint32_t line_len;
    char line[PROBLEM_LINE_BYTES]; /* without a line feed */
};

/* Starts the line of a problem over: returns the text to append to; finish with problem_end.
 *
 *     struct text t = problem_begin(p, PROBLEM_MALFORMED);
 *     text_puts(&t, "line ");
 *     text_put_u64(&t, line);
 *     ...
 *     return problem_end(p, &t);
 */
struct text problem_begin(struct problem *p, enum problem_kind kind);

/* Ends it. Returns false, so that a parser can end with `return problem_end(p, &t);`. */
bool problem_end(struct problem *p, const struct text *t);

/* The whole line at once, from a NUL-terminated string, or as text_format makes it. Return false. */
bool problem_set(struct problem *p, enum problem_kind kind, const char *line);
__attribute__((format(printf, 3, 4))) bool problem_format(struct problem *p, enum problem_kind kind,
                                                          const char *format, ...);

/* Puts `where` before the line of a problem. Returns false. */
bool problem_prepend(struct problem *p, struct slice where);

#endif
