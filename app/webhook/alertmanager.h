/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * alertmanager.h: reads a webhook notification of Alertmanager, version 4 of its payload, into the
 * table of firing alerts. Which bytes make a JSON text, and what is answered, are others' jobs.
 */
#ifndef PINGSHOT_ALERTMANAGER_H
#define PINGSHOT_ALERTMANAGER_H

#include "json.h"
#include "webhook/alerts.h"

/* Told of each alert that changed state: its labels as alerts.h keeps them, and whether it fires
 * now. */
typedef void (*alertmanager_changed)(void *context, struct slice labels, bool firing);

/* True for an object that says it is of version 4 and has alerts: then it must be right in all that
 * is read here. Any other JSON is somebody else's, and none of our business. */
bool alertmanager_is_payload(const struct json *j);

/* Applies the notification in `j`, whole or not at all: alerts that fire enter the table, those that
 * are resolved leave it, all else stays. `*changes_count` is how many changed state: 0 for a repeat.
 * `changed` is called that often at most, which may be no more than `changes_max`.
 *
 * False with nothing changed: PROBLEM_MALFORMED for what no Alertmanager sends, PROBLEM_TOO_LARGE
 * for labels that CFG_ALERT_TEXT_BYTES cannot hold, PROBLEM_FULL when the table of alerts has no
 * room, or there are more changes than `changes_max`. */
bool alertmanager_apply(struct alerts *a, const struct json *j, uint32_t changes_max,
                        alertmanager_changed changed, void *context, uint32_t *changes_count,
                        struct problem *p);

#endif
