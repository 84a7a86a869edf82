/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_value.h: the value of a series: its text behind the identity, what a transaction stages
 * there, the line that a scrape gets, and the check word by which identity and value are believed
 * after a reset. Only files of the registry and exposition_*.c include this.
 */
#ifndef PINGSHOT_METRICS_REGISTRY_VALUE_H
#define PINGSHOT_METRICS_REGISTRY_VALUE_H

#include "metrics/registry.h"

/* Length of the text of a series. */
static inline uint32_t registry_value_text_len(uint32_t rest_len) {
    return rest_len + 1u + CFG_REGISTRY_VALUE_BYTES + 1u;
}

/* Writes the value of one of pingshot's own, and its text. */
void registry_value_set(struct registry *r, uint32_t series, double value);

/* The value that a series held by a transaction is to have, and sets it. */
double registry_value_staged(const struct registry *r, uint32_t series);
void registry_value_stage(struct registry *r, uint32_t series, double value);

/* Makes the staged value the value, and the series one that is committed, as far as the check word
 * says. What is staged stays, so that it can be done again after a reset. */
void registry_value_take(struct registry *r, uint32_t series);

/* Ends a transaction's hold on a series: it is seen, and what was staged gives way to the value's
 * text. */
void registry_value_release(struct registry *r, uint32_t series);

/* The check word of a series whose identity has that hash: committed, with that value; or made by
 * that owner. Neither is ever 0. */
uint32_t registry_value_check(const struct registry_series *s, uint32_t hash, double value);
uint32_t registry_value_made_check(const struct registry_series *s, uint32_t hash, uint8_t owner);

/* Appends the line of a series as it stands, with its line feed. False when it does not fit: then
 * nothing was appended. */
bool registry_value_put_line(const struct registry *r, uint32_t series, struct text *out);

/* Appends the lines of a series and of those behind it in its family, those that are hidden left
 * out. Returns the one that does not fit any more, or REGISTRY_NONE; `*last`: the last one appended,
 * if any was. */
uint32_t registry_value_put_lines(const struct registry *r, uint32_t series, uint32_t *last,
                                  struct text *out);

#endif
