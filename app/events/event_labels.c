/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * event_labels.c: see event_labels.h. Labels are rendered as they come, one after the other in
 * `text`; only the entries, which point there, are kept in order.
 */
#include "events/event_labels.h"

#include "metrics/number.h"

void event_labels_init(struct event_labels *l) {
    l->value = 1.0;
    l->has_value = false;
    l->count = 0;
    l->text_bytes = 0;
}

static bool malformed(struct slice name, const char *why, struct problem *p) {
    return problem_format(p, PROBLEM_MALFORMED, "label \"%.*s\": %s", TEXT_SLICE(name), why);
}

static char name_byte(char c) {
    return c == ' ' || c == '\t' ? '_' : c;
}

static bool name_byte_is_valid(char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (c >= '0' && c <= '9' && !first);
}

static bool check_name(struct slice name, struct problem *p) {
    bool valid = name.len > 0;
    for (uint32_t i = 0; i < name.len && valid; i++) {
        valid = name_byte_is_valid(name_byte(name.bytes[i]), i == 0);
    }
    if (!valid) {
        return malformed(name,
                         "a name is letters, digits and underscores, and starts with no digit", p);
    }
    if (name.len >= 2 && name_byte(name.bytes[0]) == '_' && name_byte(name.bytes[1]) == '_') {
        return malformed(name, "names that start with __ are Prometheus's own, choose another", p);
    }
    return true;
}

static bool duplicate(struct slice name, struct problem *p) {
    return malformed(name, "given twice, once is right", p);
}

static bool take_value(struct event_labels *l, struct slice name, struct slice value,
                       struct problem *p) {
    double number;
    if (l->has_value) {
        return duplicate(name, p);
    }
    /* The '+' of "+5", sent as it is, means a blank in a query. */
    struct slice unsigned_value = value;
    if (value.len > 1 && value.bytes[0] == ' ' && value.bytes[1] != '-' && value.bytes[1] != '+') {
        unsigned_value = (struct slice){value.bytes + 1, value.len - 1};
    }
    if (!number_parse(unsigned_value, &number)) {
        return problem_format(p, PROBLEM_MALFORMED,
                              "value \"%.*s\": a number is right, such as 42.5, 1e-3, NaN or +Inf",
                              TEXT_SLICE(value));
    }
    l->value = number;
    l->has_value = true;
    return true;
}

/* Order of a name as it came against that of an entry. */
static int compare_names(const struct event_labels *l, struct slice name,
                         const struct event_labels_entry *entry) {
    const char *other = l->text + entry->start;
    uint32_t shared = name.len < entry->name_len ? name.len : entry->name_len;
    for (uint32_t i = 0; i < shared; i++) {
        int difference = name_byte(name.bytes[i]) - other[i];
        if (difference != 0) {
            return difference;
        }
    }
    return (int)name.len - (int)entry->name_len;
}

/* Where the name belongs among the entries. `*found`: it is there already. */
static uint8_t place_of(const struct event_labels *l, struct slice name, bool *found) {
    uint8_t low = 0;
    uint8_t high = l->count;
    while (low < high) {
        uint8_t middle = (uint8_t)((low + high) / 2u);
        int order = compare_names(l, name, &l->entries[middle]);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = (uint8_t)(middle + 1u);
        }
    }
    *found = false;
    return low;
}

/* Renders the label behind the others. The commas that will stand between all count as well. */
static bool append(struct event_labels *l, struct slice name, struct slice value, uint8_t place) {
    uint32_t commas = l->count;
    if (commas > CFG_EVENT_TEXT_BYTES - (uint32_t)l->text_bytes) {
        return false;
    }
    struct text t =
        text_over(l->text + l->text_bytes, CFG_EVENT_TEXT_BYTES - l->text_bytes - commas);
    for (uint32_t i = 0; i < name.len && !t.overflow; i++) {
        text_put_char(&t, name_byte(name.bytes[i]));
    }
    text_puts(&t, "=\"");
    text_put_label_value(&t, value);
    text_put_char(&t, '"');
    if (t.overflow) {
        return false;
    }
    memmove(&l->entries[place + 1u], &l->entries[place],
            (size_t)(l->count - place) * sizeof l->entries[0]);
    l->entries[place] =
        (struct event_labels_entry){l->text_bytes, (uint16_t)t.len, (uint16_t)name.len};
    l->text_bytes = (uint16_t)(l->text_bytes + t.len);
    l->count++;
    return true;
}

static bool too_many(struct slice name, uint32_t limit, const char *unit, struct problem *p) {
    return problem_format(p, PROBLEM_TOO_LARGE,
                          "label \"%.*s\": one more than fits, an event's labels may have %u %s",
                          TEXT_SLICE(name), (unsigned)limit, unit);
}

bool event_labels_add(struct event_labels *l, struct slice name, struct slice value,
                      struct problem *p) {
    bool found;
    if (slice_equals(name, SLICE("value"))) {
        return take_value(l, name, value, p);
    }
    if (!check_name(name, p)) {
        return false;
    }
    if (value.len == 0) {
        return true;
    }
    uint32_t broken = slice_utf8_error(value);
    if (broken != value.len) {
        return problem_format(p, PROBLEM_MALFORMED,
                              "label \"%.*s\": byte %u of its value is not UTF-8", TEXT_SLICE(name),
                              (unsigned)broken + 1u);
    }
    uint8_t place = place_of(l, name, &found);
    if (found) {
        return duplicate(name, p);
    }
    if (l->count == CFG_LABELS_MAX) {
        return too_many(name, CFG_LABELS_MAX, "of them", p);
    }
    if (!append(l, name, value, place)) {
        return too_many(name, CFG_EVENT_TEXT_BYTES, "bytes as exposition text", p);
    }
    return true;
}

struct slice event_labels_text(const struct event_labels *l, char out[CFG_EVENT_TEXT_BYTES]) {
    struct text t = text_over(out, CFG_EVENT_TEXT_BYTES);
    for (uint8_t i = 0; i < l->count; i++) {
        if (i > 0) {
            text_put_char(&t, ',');
        }
        text_put(&t, l->text + l->entries[i].start, l->entries[i].len);
    }
    return text_slice(&t);
}
