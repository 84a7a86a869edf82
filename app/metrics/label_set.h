/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * label_set.h: the labels of one sample while it is being read: checked, sorted by name, and
 * printed as the identity of a series. It refers to the bytes it was given and copies nothing.
 */
#ifndef PINGSHOT_METRICS_LABEL_SET_H
#define PINGSHOT_METRICS_LABEL_SET_H

#include "config.h"
#include "problem.h"
#include "text.h"

/* How a label's value is spelt where it lies. */
enum label_form {
    LABEL_ESCAPED, /* as exposition text has it, with the escapes \\ \" \n alone */
    LABEL_LOOSE,   /* the same, but other backslashes may stand for themselves */
    LABEL_RAW,     /* the value itself, nothing escaped */
};

struct label {
    const char *name;
    const char *value;
    uint16_t name_len;
    uint16_t value_len;
    uint8_t form; /* enum label_form */
};

struct label_set {
    uint32_t count;
    struct label labels[CFG_LABELS_MAX]; /* sorted by name, byte by byte */
};

static inline void label_set_init(struct label_set *set) {
    set->count = 0;
}

/* Adds a label. Name and value are kept by reference and must outlive the set. Refused, with the
 * label's name in the line: a name outside [a-zA-Z_][a-zA-Z0-9_]* or starting `__`, a name twice,
 * a value that is not UTF-8 or has a NUL byte, more than CFG_LABELS_MAX (PROBLEM_TOO_LARGE). */
bool label_set_add(struct label_set *set, struct slice name, struct slice value,
                   enum label_form form, struct problem *p);

/* The label of that name, or NULL. */
const struct label *label_set_find(const struct label_set *set, struct slice name);

/* Appends `name{a="x",b="y"}`, labels sorted and escaped; without labels `name` alone. The same
 * series gives the same bytes however it was spelt. */
void label_set_put_identity(const struct label_set *set, struct slice name, struct text *out);

/* Appends `{a="x"}` likewise, without the label `except` (an empty slice: without none); nothing
 * at all when no label is left. */
void label_set_put_labels(const struct label_set *set, struct slice except, struct text *out);

/* Appends the label names, sorted, with commas between, `except` left out. */
void label_set_put_names(const struct label_set *set, struct slice except, struct text *out);

/* Undoes the escapes of a value of any form. */
void label_set_put_value(const struct label *label, struct text *out);

/* True when `value` is UTF-8 without NUL; else `*bad_byte` is where it stops being so. Any other
 * character is allowed, as in Prometheus. NUL is not: its scraper takes one for the end. */
bool label_set_value_ok(struct slice value, uint32_t *bad_byte);

/* [a-zA-Z_:][a-zA-Z0-9_:]* : a metric's name. */
bool label_set_metric_name_ok(struct slice name);

/* [a-zA-Z_][a-zA-Z0-9_]* : a label's name; whether it starts with `__` is not looked at. */
bool label_set_label_name_ok(struct slice name);

#endif
