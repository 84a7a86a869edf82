/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * independent_json.c: see independent_json.h.
 */
#include "independent_json.h"

#include <jansson.h>
#include <string.h>

/* Values at the top that are no array or object, and \u0000 in strings, are right by RFC 8259. */
static json_t *load(const char *text, size_t len, json_error_t *error) {
    return json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, error);
}

enum independent_verdict independent_json_verdict(const char *text, size_t len) {
    json_error_t error;
    /* Jansson 2.14 passes over a NUL byte behind a number or a literal; JSON has none anywhere. */
    if (memchr(text, '\0', len) != NULL) {
        return INDEPENDENT_REFUSES;
    }
    json_t *value = load(text, len, &error);
    if (value != NULL) {
        json_decref(value);
        return INDEPENDENT_TAKES;
    }
    const enum json_error_code code = json_error_code(&error);
    return code == json_error_numeric_overflow || code == json_error_null_byte_in_key
               ? INDEPENDENT_CANNOT_SAY
               : INDEPENDENT_REFUSES;
}

bool independent_json_equal(const char *a, size_t a_len, const char *b, size_t b_len) {
    json_error_t error;
    json_t *value_a = load(a, a_len, &error);
    json_t *value_b = load(b, b_len, &error);
    const bool equal = value_a != NULL && value_b != NULL && json_equal(value_a, value_b);
    json_decref(value_a);
    json_decref(value_b);
    return equal;
}
