/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * alertmanager.h: reads a webhook notification of Alertmanager, version 4 of its payload, into the
 * table of firing alerts. Which bytes make a JSON text, and what is answered, are others' jobs.
 */
#ifndef PINGSHOT_ALERTMANAGER_H
#define PINGSHOT_ALERTMANAGER_H

#include "json.h"
#include "webhook/alerts.h"

/* Who is told of alerts that change state. */
struct alertmanager_listener {
    /* The labels, as alerts.h keeps them, and whether the alert fires now. */
    void (*changed)(void *context, struct slice labels, bool firing);
    void *context;
    uint32_t changes_max; /* it can be told of so many now */
    uint32_t labels_max;  /* with labels of so many bytes each */
};

/* True for an object that says it is of version 4 and has alerts: then it must be right in all that
 * is read here. Any other JSON is somebody else's, and none of our business. */
bool alertmanager_is_payload(const struct json *j);

/* Applies the notification in `j`, whole or not at all: alerts that fire enter the table, those that
 * are resolved leave it, all else stays. `*changes_count` is how many changed state: 0 for a repeat.
 * `listener` (or NULL) is told of each.
 *
 * False with nothing changed: PROBLEM_MALFORMED for what no Alertmanager sends, PROBLEM_TOO_LARGE
 * for labels that CFG_ALERT_TEXT_BYTES or the listener cannot hold, PROBLEM_FULL when the table of
 * alerts has no room for them or the listener none for the changes. */
bool alertmanager_apply(struct alerts *a, const struct json *j,
                        const struct alertmanager_listener *listener, uint32_t *changes_count,
                        struct problem *p);

#endif
