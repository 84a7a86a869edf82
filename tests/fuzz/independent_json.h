/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * independent_json.h: what Jansson, another parser of JSON, says of a text. Behind functions of our
 * own, since its names and those of app/json.h are the same.
 */
#ifndef PINGSHOT_TESTS_INDEPENDENT_JSON_H
#define PINGSHOT_TESTS_INDEPENDENT_JSON_H

#include <stdbool.h>
#include <stddef.h>

enum independent_verdict {
    INDEPENDENT_TAKES,
    INDEPENDENT_REFUSES,
    INDEPENDENT_CANNOT_SAY, /* it meets a limit of its own: a number that no double or long long
                               holds, \u0000 in the name of a member */
};

enum independent_verdict independent_json_verdict(const char *text, size_t len);

/* True when it takes both texts and they say the same value. */
bool independent_json_equal(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
