/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * accept.c: see accept.h.
 */
#include "http/accept.h"

/* A weight in thousandths (RFC 9110 section 12.4.2); what is not one counts as 0. */
static uint32_t parse_weight(struct slice s) {
    uint32_t weight = 0;
    uint32_t scale = 100;
    if (s.len == 0 || s.len > 5 || (s.bytes[0] != '0' && s.bytes[0] != '1')) {
        return 0;
    }
    weight = s.bytes[0] == '1' ? 1000 : 0;
    for (uint32_t i = 1; i < s.len; i++) {
        if (i == 1 ? s.bytes[i] != '.' : s.bytes[i] < '0' || s.bytes[i] > '9') {
            return 0;
        }
        if (i > 1) {
            weight += (uint32_t)(s.bytes[i] - '0') * scale;
            scale /= 10;
        }
    }
    return weight > 1000 ? 0 : weight;
}

/* A parameter's value may be quoted or not, which means the same (RFC 9110 section 5.6.6). */
static struct slice unquoted(struct slice s) {
    if (s.len >= 2 && s.bytes[0] == '"' && s.bytes[s.len - 1] == '"') {
        return (struct slice){s.bytes + 1, s.len - 2};
    }
    return s;
}

struct media_range {
    struct slice type;
    struct slice version; /* of its parameter `version`, or empty */
    uint32_t weight;
};

static struct media_range parse_range(struct slice s) {
    struct media_range range = {slice_trim(slice_cut(&s, ';')), {"", 0}, 1000};
    while (s.len > 0) {
        struct slice value = slice_cut(&s, ';');
        struct slice name = slice_trim(slice_cut(&value, '='));
        value = slice_trim(value);
        if (slice_equals_nocase(name, SLICE("q"))) {
            range.weight = parse_weight(value);
        } else if (slice_equals_nocase(name, SLICE("version"))) {
            range.version = unquoted(value);
        }
    }
    return range;
}

bool accept_prefers_openmetrics(struct slice accept) {
    uint32_t openmetrics = 0;
    uint32_t plain = 0;
    bool plain_named = false;
    while (accept.len > 0) {
        struct media_range range = parse_range(slice_cut(&accept, ','));
        bool wildcard = slice_equals(range.type, SLICE("*/*")) ||
                        slice_equals_nocase(range.type, SLICE("text/*"));
        if (slice_equals_nocase(range.type, SLICE("application/openmetrics-text"))) {
            bool served = range.version.len == 0 || slice_equals(range.version, SLICE("1.0.0")) ||
                          slice_equals(range.version, SLICE("0.0.1"));
            if (served && range.weight > openmetrics) {
                openmetrics = range.weight;
            }
        } else if (slice_equals_nocase(range.type, SLICE("text/plain"))) {
            plain_named = true;
            plain = range.weight;
        } else if (wildcard && !plain_named && range.weight > plain) {
            plain = range.weight; /* the more specific range goes before the wildcard */
        }
    }
    return openmetrics > plain;
}
