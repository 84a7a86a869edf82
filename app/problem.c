/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * problem.c: see problem.h.
 */
#include "problem.h"

#include "apart.h"

SHARED struct text problem_begin(struct problem *p, enum problem_kind kind) {
    p->kind = kind;
    p->line_len = 0;
    return text_over(p->line, sizeof p->line);
}

bool problem_end(struct problem *p, const struct text *t) {
    /* Cut at its limit, the line may end within a character. */
    p->line_len = t->overflow ? slice_utf8_error(text_slice(t)) : t->len;
    return false;
}

bool problem_set(struct problem *p, enum problem_kind kind, const char *line) {
    struct text t = problem_begin(p, kind);
    text_puts(&t, line);
    return problem_end(p, &t);
}
