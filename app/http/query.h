/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * query.h: name=value pairs of a URL query or a form body (application/x-www-form-urlencoded,
 * WHATWG URL section 5.1): '&' between pairs, '+' for a blank, %XX for any byte.
 */
#ifndef PINGSHOT_QUERY_H
#define PINGSHOT_QUERY_H

#include "text.h"

/* Takes the next pair off `*rest`, still encoded; empty pairs are passed over. A pair without '='
 * has an empty value. False when there is none left. */
bool query_next(struct slice *rest, struct slice *name, struct slice *value);

/* Appends `encoded` to `out`, decoded. False, with nothing promised about `out`, when a '%' is not
 * followed by two hex digits, or when it does not fit (out->overflow). */
bool query_decode(struct slice encoded, struct text *out);

enum query_result {
    QUERY_ABSENT, /* no pair has that name; `out` is as it was */
    QUERY_FOUND,
    QUERY_BROKEN, /* one has, but its value does not decode, or does not fit */
};

/* The decoded value of the first pair called `name` (plain ASCII), appended to `out`. */
enum query_result query_get(struct slice query, struct slice name, struct text *out);

#endif
