/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * event_labels.h: the labels and the value of a one-shot event, from the decoded name and value
 * pairs of a query or a form to the text that identifies the event: `message="x",type="test"`,
 * sorted by name and escaped as the exposition formats want it (SPEC section 4). Splitting and
 * percent-decoding is HTTP's job.
 */
#ifndef PINGSHOT_EVENT_LABELS_H
#define PINGSHOT_EVENT_LABELS_H

#include "config.h"
#include "problem.h"
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

/* One label in the order of names, as a piece of event_labels.text. */
struct event_labels_entry {
    uint16_t start;
    uint16_t len; /* of all of `name="value"`, escaped */
    uint16_t name_len;
};

/* Owned by the caller; about CFG_EVENT_TEXT_BYTES + 6 * CFG_LABELS_MAX bytes, free to move by
 * plain assignment. */
struct event_labels {
    double value;   /* of the sample: 1 unless the pair `value` said otherwise */
    bool has_value; /* it did */
    uint8_t count;
    uint16_t text_bytes; /* used of `text` */
    struct event_labels_entry entries[CFG_LABELS_MAX];
    char text[CFG_EVENT_TEXT_BYTES];
};

/* No labels, value 1. */
void event_labels_init(struct event_labels *l);

/* Takes one decoded pair; both are copied. Blanks in the name become underscores. The pair named
 * `value` is the sample's value and no label. A label without a value is left out: to Prometheus
 * it is the same as none.
 *
 * False, with the reason in `*p` and nothing taken: PROBLEM_MALFORMED for a name that no label may
 * have, one that came before, a value that is not UTF-8, a `value` that is not a number;
 * PROBLEM_TOO_LARGE for more than CFG_LABELS_MAX labels or CFG_EVENT_TEXT_BYTES of them. */
bool event_labels_add(struct event_labels *l, struct slice name, struct slice value,
                      struct problem *p);

/* The canonical text, written to `out`: sorted, escaped, comma between, no braces. Empty when
 * there are no labels. `*l` is unchanged. */
struct slice event_labels_text(const struct event_labels *l, char out[CFG_EVENT_TEXT_BYTES]);

#endif
