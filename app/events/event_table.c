/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * event_table.c: see event_table.h.
 */
#include "events/event_table.h"

#define NONE ((uint16_t)EVENT_TABLE_NONE)

void event_table_init(struct event_table *t, struct hash_key key) {
    for (uint32_t i = 0; i < CFG_EVENTS_MAX; i++) {
        t->buckets[i] = NONE;
        t->slots[i].newer = i + 1 < CFG_EVENTS_MAX ? (uint16_t)(i + 1) : NONE;
    }
    t->oldest = NONE;
    t->newest = NONE;
    t->free = 0;
    t->key = key;
    t->stats = (struct table_stats){"events", 0, 0, CFG_EVENTS_MAX, 0};
}

uint32_t event_table_hash(const struct event_table *t, struct slice labels) {
    return hash_bytes(t->key, labels.bytes, labels.len);
}

/* ---- buckets: the newest event of each label set ------------------------------------------ */

/* The hash scaled to the number of buckets, which need not be a power of two. */
static uint16_t *bucket_of(struct event_table *t, uint32_t hash) {
    return &t->buckets[(uint32_t)(((uint64_t)hash * CFG_EVENTS_MAX) >> 32)];
}

uint16_t event_table_find(const struct event_table *t, struct slice labels, uint32_t hash) {
    uint16_t slot = t->buckets[(uint32_t)(((uint64_t)hash * CFG_EVENTS_MAX) >> 32)];
    while (slot != NONE &&
           (t->slots[slot].hash != hash || !slice_equals(event_table_labels(t, slot), labels))) {
        slot = t->slots[slot].chain;
    }
    return slot;
}

/* Puts `replacement` (NONE: nothing) into the bucket where `slot` is. */
static void bucket_replace(struct event_table *t, uint16_t slot, uint16_t replacement) {
    uint16_t *link = bucket_of(t, t->slots[slot].hash);
    while (*link != slot) {
        link = &t->slots[*link].chain;
    }
    if (replacement == NONE) {
        *link = t->slots[slot].chain;
    } else {
        *link = replacement;
        t->slots[replacement].chain = t->slots[slot].chain;
    }
}

/* ---- order of posting --------------------------------------------------------------------- */

static void order_append(struct event_table *t, uint16_t slot) {
    struct event *e = &t->slots[slot];
    e->older = t->newest;
    e->newer = NONE;
    if (t->newest == NONE) {
        t->oldest = slot;
    } else {
        t->slots[t->newest].newer = slot;
    }
    t->newest = slot;
}

static void order_unlink(struct event_table *t, uint16_t slot) {
    const struct event *e = &t->slots[slot];
    if (e->older == NONE) {
        t->oldest = e->newer;
    } else {
        t->slots[e->older].newer = e->newer;
    }
    if (e->newer == NONE) {
        t->newest = e->older;
    } else {
        t->slots[e->newer].older = e->older;
    }
}

/* ---- slots -------------------------------------------------------------------------------- */

static void render_value(struct event_table *t, uint16_t slot, double value) {
    struct event *e = &t->slots[slot];
    uint32_t start = e->labels_bytes == 0 ? 0u : e->labels_bytes + 2u;
    e->value = value;
    t->lines[slot][start] = ' ';
    e->line_bytes = (uint16_t)(start + 1u + number_format(t->lines[slot] + start + 1u, value));
}

static void render_labels(struct event_table *t, uint16_t slot, struct slice labels) {
    char *line = t->lines[slot];
    t->slots[slot].labels_bytes = (uint16_t)labels.len;
    if (labels.len != 0) {
        line[0] = '{';
        memcpy(line + 1, labels.bytes, labels.len);
        line[labels.len + 1u] = '}';
    }
}

uint16_t event_table_add(struct event_table *t, struct slice labels, uint32_t hash, uint16_t same,
                         double value) {
    uint16_t slot = t->free;
    if (slot == NONE) {
        t->stats.refused_total++;
        return NONE;
    }
    struct event *e = &t->slots[slot];
    t->free = e->newer;
    *e = (struct event){.hash = hash, .same_older = same, .same_newer = NONE, .chain = NONE};
    if (same == NONE) {
        uint16_t *bucket = bucket_of(t, hash);
        e->chain = *bucket;
        *bucket = slot;
    } else {
        bucket_replace(t, same, slot);
        t->slots[same].same_newer = slot;
    }
    order_append(t, slot);
    render_labels(t, slot, labels);
    render_value(t, slot, value);
    table_stats_take(&t->stats);
    return slot;
}

void event_table_renew(struct event_table *t, uint16_t slot, double value) {
    order_unlink(t, slot);
    order_append(t, slot);
    render_value(t, slot, value);
}

void event_table_remove(struct event_table *t, uint16_t slot) {
    struct event *e = &t->slots[slot];
    if (e->same_newer == NONE) {
        bucket_replace(t, slot, e->same_older);
    } else {
        t->slots[e->same_newer].same_older = e->same_older;
    }
    if (e->same_older != NONE) {
        t->slots[e->same_older].same_newer = e->same_newer;
    }
    order_unlink(t, slot);
    e->newer = t->free;
    t->free = slot;
    table_stats_give(&t->stats);
}

struct slice event_table_labels(const struct event_table *t, uint16_t slot) {
    return (struct slice){t->lines[slot] + 1, t->slots[slot].labels_bytes};
}

struct slice event_table_line(const struct event_table *t, uint16_t slot) {
    return (struct slice){t->lines[slot], t->slots[slot].line_bytes};
}
