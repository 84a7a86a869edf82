/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * label_set.c: see label_set.h.
 */
#include "metrics/label_set.h"

/* ---- names and values -------------------------------------------------------------------- */

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool label_set_metric_name_ok(struct slice name) {
    for (uint32_t i = 0; i < name.len; i++) {
        char c = name.bytes[i];
        if (!is_letter(c) && c != ':' && (i == 0 || !is_digit(c))) {
            return false;
        }
    }
    return name.len > 0;
}

bool label_set_label_name_ok(struct slice name) {
    for (uint32_t i = 0; i < name.len; i++) {
        char c = name.bytes[i];
        if (!is_letter(c) && (i == 0 || !is_digit(c))) {
            return false;
        }
    }
    return name.len > 0;
}

/* True when four bytes at a time show nothing but ASCII without NUL, which is nearly always. */
static bool is_plain_ascii(struct slice s) {
    uint32_t seen = 0;
    uint32_t i = 0;
    for (; i + 4 <= s.len; i += 4) {
        uint32_t word;
        memcpy(&word, s.bytes + i, sizeof word);
        seen |= word | (word - 0x01010101u);
    }
    for (; i < s.len; i++) {
        seen |= s.bytes[i] == 0 ? 0x80u : (uint8_t)s.bytes[i];
    }
    return (seen & 0x80808080u) == 0;
}

bool label_set_value_ok(struct slice value, uint32_t *bad_byte) {
    const char *nul;
    if (is_plain_ascii(value)) {
        return true;
    }
    *bad_byte = slice_utf8_error(value);
    nul = memchr(value.bytes, 0, *bad_byte);
    if (nul != NULL) {
        *bad_byte = (uint32_t)(nul - value.bytes);
    }
    return *bad_byte == value.len;
}

/* ---- adding ------------------------------------------------------------------------------ */

static bool malformed(struct problem *p, struct slice name, const char *why) {
    return problem_format(p, PROBLEM_MALFORMED, "label \"%.*s\": %s", TEXT_SLICE(name), why);
}

static bool value_refused(struct problem *p, struct slice name, struct slice value, uint32_t at) {
    return problem_format(p, PROBLEM_MALFORMED, "label \"%.*s\": byte %u of its value is %s",
                          TEXT_SLICE(name), (unsigned)at + 1u,
                          value.bytes[at] == 0 ? "NUL, which no scraper reads" : "not UTF-8");
}

static bool too_long(struct problem *p, struct slice name) {
    return problem_format(p, PROBLEM_TOO_LARGE,
                          "label \"%.*s\": longer than a line may be, %u bytes", TEXT_SLICE(name),
                          CFG_LINE_BYTES);
}

static bool too_many(struct problem *p, struct slice name) {
    return problem_format(p, PROBLEM_TOO_LARGE,
                          "label \"%.*s\": one too many, a sample may have %u", TEXT_SLICE(name),
                          CFG_LABELS_MAX);
}

/* Order of names, byte by byte; a name comes before those it begins. */
static int compare(const struct label *label, struct slice name) {
    uint32_t n = label->name_len < name.len ? label->name_len : name.len;
    int order = memcmp(label->name, name.bytes, n);
    return order != 0 ? order : (int)label->name_len - (int)name.len;
}

/* Where the name belongs, from the end: labels mostly come sorted. */
static uint32_t place_of(const struct label_set *set, struct slice name, bool *taken) {
    uint32_t at = set->count;
    int order = -1;
    while (at > 0) {
        order = compare(&set->labels[at - 1], name);
        if (order <= 0) {
            break;
        }
        at--;
    }
    *taken = at > 0 && order == 0;
    return at;
}

bool label_set_add(struct label_set *set, struct slice name, struct slice value,
                   enum label_form form, struct problem *p) {
    uint32_t bad_byte;
    bool taken;
    if (!label_set_label_name_ok(name)) {
        return malformed(p, name, "a label name is [a-zA-Z_][a-zA-Z0-9_]*");
    }
    if (slice_starts_with(name, SLICE("__"))) {
        return malformed(p, name, "names that start with __ are Prometheus's own, choose another");
    }
    if (name.len >= CFG_LINE_BYTES || value.len >= CFG_LINE_BYTES) {
        return too_long(p, name);
    }
    if (!label_set_value_ok(value, &bad_byte)) {
        return value_refused(p, name, value, bad_byte);
    }
    if (set->count == CFG_LABELS_MAX) {
        return too_many(p, name);
    }
    uint32_t at = place_of(set, name, &taken);
    if (taken) {
        return malformed(p, name, "twice in one sample");
    }
    memmove(&set->labels[at + 1], &set->labels[at], (set->count - at) * sizeof set->labels[0]);
    set->labels[at] = (struct label){name.bytes, value.bytes, (uint16_t)name.len,
                                     (uint16_t)value.len, (uint8_t)form};
    set->count++;
    return true;
}

const struct label *label_set_find(const struct label_set *set, struct slice name) {
    for (uint32_t i = 0; i < set->count; i++) {
        if (compare(&set->labels[i], name) == 0) {
            return &set->labels[i];
        }
    }
    return NULL;
}

/* ---- printing ---------------------------------------------------------------------------- */

static bool is_escape(char c) {
    return c == '\\' || c == '"' || c == 'n';
}

/* Doubles those backslashes that begin no escape: then they mean themselves to every reader. */
static void put_loose(struct text *out, struct slice value) {
    for (uint32_t i = 0; i < value.len; i++) {
        if (value.bytes[i] == '\\') {
            if (i + 1 < value.len && is_escape(value.bytes[i + 1])) {
                text_put(out, value.bytes + i, 2);
                i++;
            } else {
                text_puts(out, "\\\\");
            }
        } else {
            text_put_char(out, value.bytes[i]);
        }
    }
}

static void put_escaped(struct text *out, const struct label *label) {
    struct slice value = {label->value, label->value_len};
    if (label->form == LABEL_ESCAPED) {
        text_put_slice(out, value);
    } else if (label->form == LABEL_LOOSE) {
        put_loose(out, value);
    } else {
        text_put_label_value(out, value);
    }
}

void label_set_put_value(const struct label *label, struct text *out) {
    for (uint32_t i = 0; i < label->value_len; i++) {
        char c = label->value[i];
        bool escape = label->form != LABEL_RAW && c == '\\' && i + 1 < label->value_len &&
                      is_escape(label->value[i + 1]);
        if (escape) {
            i++;
            c = label->value[i] == 'n' ? '\n' : label->value[i];
        }
        text_put_char(out, c);
    }
}

static bool is_named(const struct label *label, struct slice name) {
    return label->name_len == name.len && memcmp(label->name, name.bytes, name.len) == 0;
}

void label_set_put_labels(const struct label_set *set, struct slice except, struct text *out) {
    char before = '{';
    for (uint32_t i = 0; i < set->count; i++) {
        const struct label *label = &set->labels[i];
        if (is_named(label, except)) {
            continue;
        }
        text_put_char(out, before);
        text_put(out, label->name, label->name_len);
        text_put(out, "=\"", 2);
        put_escaped(out, label);
        text_put_char(out, '"');
        before = ',';
    }
    if (before == ',') {
        text_put_char(out, '}');
    }
}

void label_set_put_identity(const struct label_set *set, struct slice name, struct text *out) {
    text_put_slice(out, name);
    label_set_put_labels(set, (struct slice){"", 0}, out);
}

void label_set_put_names(const struct label_set *set, struct slice except, struct text *out) {
    bool first = true;
    for (uint32_t i = 0; i < set->count; i++) {
        if (is_named(&set->labels[i], except)) {
            continue;
        }
        if (!first) {
            text_put_char(out, ',');
        }
        text_put(out, set->labels[i].name, set->labels[i].name_len);
        first = false;
    }
}
