/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * alerts.h: the alerts that fire now, as Alertmanager's notifications told of them: a fixed table of
 * label texts, exposed as pingshot_alert{...} 1. A notification is applied whole or not at all:
 * first all of its alerts are planned, then, when there is room for what they change, applied.
 * Reading notifications is alertmanager.h's job.
 *
 *     for each alert: alerts_plan(a, labels, firing, starts_at);
 *     if (alerts_plan_fits(a, &p)) {
 *         while (alerts_next_resolved(a, &slot, text, &labels)) { ... }
 *         for each alert that fires: if (alerts_fire(a, labels, starts_at)) { ... }
 *     }
 *     alerts_plan_end(a);
 */
#ifndef PINGSHOT_ALERTS_H
#define PINGSHOT_ALERTS_H

#include "config.h"
#include "hash.h"
#include "problem.h"
#include "table_stats.h"
#include "text.h"

struct alert {
    uint32_t hash;    /* of its labels */
    uint32_t started; /* hash of its startsAt: one that fires anew has another */
    uint16_t labels_bytes;
    uint8_t state; /* enum in alerts.c */
};

/* Owned by the caller. */
struct alerts {
    struct hash_key key;
    uint32_t end;             /* slots from here on are free */
    uint32_t new_count;       /* planned: alerts that take a slot, */
    uint32_t resolved_count;  /* that give theirs back, */
    uint32_t restarted_count; /* and that fire again since another moment */
    struct table_stats stats;
    struct alert slots[CFG_ALERTS_MAX];
    char labels[CFG_ALERTS_MAX][CFG_ALERT_TEXT_BYTES];
};

void alerts_init(struct alerts *a, struct hash_key key);

/* Plans one alert of a notification. `labels` is what identifies it: at most CFG_ALERT_TEXT_BYTES of
 * label text in the order of their names, `starts_at` any text that says since when it fires. */
void alerts_plan(struct alerts *a, struct slice labels, bool firing, struct slice starts_at);

/* How many alerts the plan changes: that begin to fire, do so again, or are resolved. 0: a repeat. */
uint32_t alerts_plan_changes(const struct alerts *a);

/* False, counted, with PROBLEM_FULL when there is no room for the plan. */
bool alerts_plan_fits(struct alerts *a, struct problem *p);

/* Forgets the plan, applied or not. */
void alerts_plan_end(struct alerts *a);

/* Applies: takes the next alert that the plan resolves out of the table; its labels are copied to
 * `text`. Begin with `*slot` 0. False when there is none left. */
bool alerts_next_resolved(struct alerts *a, uint32_t *slot, char text[CFG_ALERT_TEXT_BYTES],
                          struct slice *labels);

/* Applies: an alert of the plan that fires. True when it did not fire before, or since another
 * moment. */
bool alerts_fire(struct alerts *a, struct slice labels, struct slice starts_at);

/* The labels of the alert in this slot, 0..CFG_ALERTS_MAX-1; false when it is free. */
bool alerts_firing(const struct alerts *a, uint32_t slot, struct slice *labels);

#endif
