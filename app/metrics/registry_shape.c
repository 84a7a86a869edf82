/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * registry_shape.c: see registry_shape.h. Of a stem X, three families can get in each other's way:
 * X, X_total and X_created.
 *
 * - X_total, a counter, is shown as counter X; as type unknown, under its own name, if X exists.
 * - X_created (client libraries put the creation times of X there) is shown within X if that is a
 *   histogram or summary, else within X_total if that is shown as counter X: on its own it would
 *   clash with a name that they own.
 * - Any other counter is shown as type unknown: its name has no _total to leave out.
 */
#include "metrics/registry_shape.h"

#include "metrics/registry_store.h"

#define TOTAL SLICE("_total")
#define CREATED SLICE("_created")

static uint32_t find_with(const struct registry *r, struct slice stem, struct slice suffix) {
    char bytes[REGISTRY_NAME_BYTES + 16];
    struct text name = text_over(bytes, sizeof bytes);
    text_put_slice(&name, stem);
    text_put_slice(&name, suffix);
    return registry_find_family(r, text_slice(&name));
}

/* Cuts the suffix off; false when the name does not end with it or is nothing else. */
static bool cut_suffix(struct slice *name, struct slice suffix) {
    if (name->len <= suffix.len ||
        memcmp(name->bytes + name->len - suffix.len, suffix.bytes, suffix.len) != 0) {
        return false;
    }
    name->len -= suffix.len;
    return true;
}

static bool is_compound(const struct registry *r, uint32_t family) {
    return family != REGISTRY_NONE && (r->families[family].type == METRIC_HISTOGRAM ||
                                       r->families[family].type == METRIC_SUMMARY);
}

static bool is_simple(const struct registry *r, uint32_t family) {
    return family != REGISTRY_NONE && !is_compound(r, family);
}

/* True when X_total is there and can be shown as counter X. */
static bool is_counter_there(const struct registry *r, struct slice stem) {
    uint32_t total = find_with(r, stem, TOTAL);
    return total != REGISTRY_NONE && r->families[total].type == METRIC_COUNTER &&
           registry_find_family(r, stem) == REGISTRY_NONE;
}

/* True for X_created when there is a family that shows it. */
static bool is_created_times(const struct registry *r, uint32_t family) {
    struct slice stem = registry_family_name(r, family);
    if (is_compound(r, family) || !cut_suffix(&stem, CREATED)) {
        return false;
    }
    return is_compound(r, registry_find_family(r, stem)) || is_counter_there(r, stem);
}

static uint8_t shape_of(const struct registry *r, uint32_t family) {
    struct slice stem = registry_family_name(r, family);
    uint8_t shape = 0;
    if (is_created_times(r, family)) {
        return REGISTRY_SHAPE_IS_CREATED;
    }
    if (r->families[family].type == METRIC_COUNTER) {
        if (!cut_suffix(&stem, TOTAL) || !is_counter_there(r, stem)) {
            return REGISTRY_SHAPE_UNKNOWN;
        }
        shape = REGISTRY_SHAPE_COUNTER;
    } else if (!is_compound(r, family)) {
        return 0;
    }
    if (is_simple(r, find_with(r, stem, CREATED))) {
        shape |= REGISTRY_SHAPE_HAS_CREATED;
    }
    return shape;
}

static void decide(struct registry *r, struct slice stem, struct slice suffix) {
    uint32_t family = find_with(r, stem, suffix);
    if (family != REGISTRY_NONE) {
        r->families[family].shape = shape_of(r, family);
    }
}

static void decide_all(struct registry *r, struct slice stem) {
    decide(r, stem, SLICE(""));
    decide(r, stem, TOTAL);
    decide(r, stem, CREATED);
}

void registry_shape_changed(struct registry *r, struct slice name) {
    struct slice stem = name;
    decide_all(r, name);
    if (cut_suffix(&stem, TOTAL) || cut_suffix(&stem, CREATED)) {
        decide_all(r, stem);
    }
}
