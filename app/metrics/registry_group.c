/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_group.c: see registry_group.h.
 */
#include "metrics/registry_group.h"

#include "metrics/registry_store.h"

/* The labels of an identity taken apart: before, bound, after. The bound is the label by which
 * the samples of one metric differ (le, quantile); the others are the same all through it. */
struct member {
    struct slice before; /* labels that sort before the bound, without the comma at its side */
    struct slice after;  /* labels that sort behind it, likewise */
    struct slice bound;  /* its value; empty when the sample has none */
};

/* Length of the label at the start of `labels`: name="value". Values are escaped, so a quote that
 * no backslash precedes ends one. */
static uint32_t label_len(struct slice labels, uint32_t *name_len) {
    uint32_t i = 0;
    while (labels.bytes[i] != '=') {
        i++;
    }
    *name_len = i;
    for (i += 2; labels.bytes[i] != '"'; i++) {
        i += labels.bytes[i] == '\\';
    }
    return i + 1;
}

/* Finds the label `name`, or where it would be, in labels sorted by name. */
static void split(struct member *m, struct slice labels, struct slice name) {
    uint32_t at = 0;
    while (at < labels.len) {
        struct slice rest = {labels.bytes + at, labels.len - at};
        uint32_t name_len;
        uint32_t len = label_len(rest, &name_len);
        uint32_t shorter = name_len < name.len ? name_len : name.len;
        int order = memcmp(rest.bytes, name.bytes, shorter);
        if (order == 0 && name_len == name.len) {
            m->bound = (struct slice){rest.bytes + name_len + 2, len - name_len - 3};
            m->after = (struct slice){rest.bytes + len, rest.len - len};
            break;
        }
        if (order > 0 || (order == 0 && name_len > name.len)) {
            m->after = rest;
            break;
        }
        at += len + (len < rest.len); /* and its comma */
    }
    m->before = (struct slice){labels.bytes, at};
    if (at > 0 && m->before.bytes[at - 1] == ',') {
        m->before.len--;
    }
    if (m->after.len > 0 && m->after.bytes[0] == ',') {
        m->after.bytes++;
        m->after.len--;
    }
}

static struct member member_of(const struct registry *r, uint32_t family, struct slice rest) {
    const struct registry_family *f = &r->families[family];
    struct slice labels = rest;
    struct slice none = {rest.bytes, 0};
    struct member m = {none, none, none};
    slice_cut(&labels, '{');
    if (labels.len > 0) {
        labels.len--; /* the closing brace */
    }
    split(&m, labels, f->type == METRIC_HISTOGRAM ? SLICE("le") : SLICE("quantile"));
    return m;
}

static bool same_group(const struct member *a, const struct member *b) {
    return slice_equals(a->before, b->before) && slice_equals(a->after, b->after);
}

/* The sample `suffix` of the same metric, with that bound if any; or REGISTRY_NONE. */
static uint32_t find_in_group(const struct registry *r, uint32_t family, const struct member *m,
                              struct slice suffix, struct slice bound) {
    char bytes[CFG_LINE_BYTES];
    struct text identity = text_over(bytes, sizeof bytes);
    char separator = '{';
    text_put_slice(&identity, registry_family_name(r, family));
    text_put_slice(&identity, suffix);
    const struct slice parts[] = {m->before, bound, m->after};
    for (uint32_t i = 0; i < 3; i++) {
        if (parts[i].len > 0) {
            text_put_char(&identity, separator);
            text_put_slice(&identity, parts[i]);
            separator = ',';
        }
    }
    if (separator == ',') {
        text_put_char(&identity, '}');
    }
    return identity.overflow
               ? REGISTRY_NONE
               : registry_store_find_series(r, text_slice(&identity),
                                            registry_store_hash(r, text_slice(&identity)));
}

/* One of the samples that every metric of the family has, other than `m` itself. */
static uint32_t find_anchor(const struct registry *r, uint32_t family, const struct member *m) {
    uint32_t anchor = find_in_group(r, family, m, SLICE("_count"), SLICE(""));
    if (anchor == REGISTRY_NONE) {
        anchor = find_in_group(r, family, m, SLICE("_sum"), SLICE(""));
    }
    if (anchor == REGISTRY_NONE && r->families[family].type == METRIC_HISTOGRAM) {
        anchor = find_in_group(r, family, m, SLICE("_bucket"), SLICE("le=\"+Inf\""));
    }
    return anchor;
}

static double bound_of(const struct member *m) {
    double bound = 0;
    number_parse(m->bound, &bound);
    return bound;
}

/* Behind the last bucket of its metric with a smaller bound. Without one: before the first with a
 * larger one; without any: behind `otherwise`. */
static uint32_t place_of_bucket(const struct registry *r, uint32_t family, const struct member *m,
                                uint32_t otherwise) {
    uint32_t before = REGISTRY_NONE;
    uint32_t place = otherwise;
    double bound = bound_of(m);
    for (uint32_t s = r->families[family].first_series; s != REGISTRY_NONE; s = r->series[s].next) {
        struct member other = member_of(r, family, registry_store_rest(r, s));
        if (other.bound.len > 0 && same_group(&other, m)) {
            if (bound_of(&other) > bound) {
                return before;
            }
            place = s;
        }
        before = s;
    }
    return place;
}

/* True when a sample may simply follow `tail`, a sample of the same metric. */
static bool may_follow(const struct registry *r, uint32_t family, const struct member *m,
                       const struct member *tail) {
    if (r->families[family].type != METRIC_HISTOGRAM || m->bound.len == 0) {
        return true;
    }
    if (tail->bound.len > 0) {
        return bound_of(tail) < bound_of(m);
    }
    /* Behind the sum or the count: the first bucket of the metric, unless all were there. */
    return find_in_group(r, family, m, SLICE("_bucket"), SLICE("le=\"+Inf\"")) == REGISTRY_NONE;
}

uint32_t registry_group_place(const struct registry *r, uint32_t family, struct slice rest) {
    const struct registry_family *f = &r->families[family];
    uint32_t last = f->last_series;
    if (last == REGISTRY_NONE || (f->type != METRIC_HISTOGRAM && f->type != METRIC_SUMMARY)) {
        return last;
    }
    struct member m = member_of(r, family, rest);
    struct member tail = member_of(r, family, registry_store_rest(r, last));
    uint32_t anchor = last;
    if (same_group(&m, &tail)) {
        if (may_follow(r, family, &m, &tail)) {
            return last;
        }
    } else {
        anchor = find_anchor(r, family, &m);
        if (anchor == REGISTRY_NONE) {
            return last; /* the first sample of its metric */
        }
    }
    bool is_bucket = f->type == METRIC_HISTOGRAM && m.bound.len > 0;
    return is_bucket ? place_of_bucket(r, family, &m, anchor) : anchor;
}
