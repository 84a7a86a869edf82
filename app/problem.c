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

bool problem_format(struct problem *p, enum problem_kind kind, const char *format, ...) {
    struct text t = problem_begin(p, kind);
    va_list arguments;
    va_start(arguments, format);
    text_vformat(&t, format, arguments);
    va_end(arguments);
    return problem_end(p, &t);
}

bool problem_prepend(struct problem *p, struct slice where) {
    struct text t = {p->line, p->line_len, sizeof p->line, false};
    text_prepend(&t, where);
    return problem_end(p, &t);
}
