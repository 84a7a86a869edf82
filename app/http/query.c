/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * query.c: see query.h.
 */
#include "http/query.h"

bool query_next(struct slice *rest, struct slice *name, struct slice *value) {
    while (rest->len > 0) {
        *value = slice_cut(rest, '&');
        if (value->len > 0) {
            *name = slice_cut(value, '=');
            return true;
        }
    }
    return false;
}

bool query_decode(struct slice encoded, struct text *out) {
    for (uint32_t i = 0; i < encoded.len; i++) {
        char c = encoded.bytes[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < encoded.len ? text_hex_digit(encoded.bytes[i + 1]) : -1;
            int low = i + 2 < encoded.len ? text_hex_digit(encoded.bytes[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            c = (char)(high << 4 | low);
            i += 2;
        }
        text_put_char(out, c);
    }
    return !out->overflow;
}

enum query_result query_get(struct slice query, struct slice name, struct text *out) {
    struct slice pair_name;
    struct slice value;
    while (query_next(&query, &pair_name, &value)) {
        if (slice_equals(pair_name, name)) {
            return query_decode(value, out) ? QUERY_FOUND : QUERY_BROKEN;
        }
    }
    return QUERY_ABSENT;
}
