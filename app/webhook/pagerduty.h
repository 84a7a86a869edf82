/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * pagerduty.h: whether PagerDuty would take an event, of its Events API v2 (POST /v2/enqueue) or of
 * v1 (create_event), and what its errors say. Keys are made up in a lab, so they only have to be
 * there: their length, which PagerDuty looks at, and whether anybody owns them is not checked.
 */
#ifndef PINGSHOT_PAGERDUTY_H
#define PINGSHOT_PAGERDUTY_H

#include "json.h"

/* The longest key of an alert or incident, in characters. */
#define PAGERDUTY_KEY_CHARACTERS_MAX 255u

/* What is wrong with an event: a bit each, 0 for nothing. */
typedef uint32_t pagerduty_errors;

enum pagerduty_version {
    PAGERDUTY_V1,
    PAGERDUTY_V2,
};

/* An event is of v1 when it has a service_key and no routing_key. */
enum pagerduty_version pagerduty_version_of(const struct json *j);

/* Checks an event. `*key` is the token of its dedup_key (v1: incident_key), or JSON_NONE: PagerDuty
 * then makes one. A text that is no object is all wrong: see pagerduty_is_object. */
pagerduty_errors pagerduty_check(const struct json *j, enum pagerduty_version version,
                                 uint32_t *key);

static inline bool pagerduty_is_object(const struct json *j) {
    return json_type(j, JSON_ROOT) == JSON_OBJECT;
}

/* What PagerDuty says to an error, the number of its bit: what is wrong, and behind that what is
 * wrong with it. No characters in them need a JSON escape. */
const char *pagerduty_error_subject(uint32_t bit);
const char *pagerduty_error_fault(uint32_t bit);

#endif
