/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * event_table.c: see event_table.h.
 */
#include "events/event_table.h"

#include "state_order.h"

#include <stddef.h>

#define NONE ((uint16_t)EVENT_TABLE_NONE)
#define SEAL 0x65766e74u

/* What is changed as one: from the number or from the seal on, up to stamped_to. */
#define CHANGED_END ((uint32_t)(offsetof(struct event, stamped_to) + sizeof(event_table_mask)))
#define POST_BYTES ((uint32_t)offsetof(struct event, seal))

_Static_assert(POST_BYTES == 28, "no padding under the seal");
_Static_assert(CHANGED_END <= STATE_REDO_BYTES_MAX, "STATE_REDO_BYTES_MAX: below an event's");

/* An empty table, whose free slots are not linked yet. */
static void set_empty(struct event_table *t, struct hash_key key) {
    for (uint32_t i = 0; i < CFG_EVENTS_MAX; i++) {
        t->buckets[i] = NONE;
    }
    t->oldest = NONE;
    t->newest = NONE;
    t->free = NONE;
    t->key = key;
    t->stats = (struct table_stats){LABEL_VALUE("events"), 0, 0, CFG_EVENTS_MAX, 0};
}

static void give_slot(struct event_table *t, uint16_t slot) {
    t->slots[slot].newer = t->free;
    t->free = slot;
}

void event_table_init(struct event_table *t, struct hash_key key) {
    set_empty(t, key);
    for (uint32_t i = CFG_EVENTS_MAX; i-- > 0;) {
        t->slots[i].seal = 0;
        give_slot(t, (uint16_t)i);
    }
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

/* As the next newer one than `older`, or as the oldest. */
static void order_insert(struct event_table *t, uint16_t slot, uint16_t older) {
    uint16_t *up = older == NONE ? &t->oldest : &t->slots[older].newer;
    uint16_t *down = *up == NONE ? &t->newest : &t->slots[*up].older;
    t->slots[slot].older = older;
    t->slots[slot].newer = *up;
    *up = slot;
    *down = slot;
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

static void render_value(struct event_table *t, uint16_t slot) {
    struct event *e = &t->slots[slot];
    uint32_t start = e->labels_bytes == 0 ? 0u : e->labels_bytes + 2u;
    t->lines[slot][start] = ' ';
    e->line_bytes = (uint16_t)(start + 1u + number_format(t->lines[slot] + start + 1u, e->value));
}

static void render_braces(struct event_table *t, uint16_t slot) {
    const uint32_t labels_bytes = t->slots[slot].labels_bytes;
    if (labels_bytes != 0) {
        t->lines[slot][0] = '{';
        t->lines[slot][labels_bytes + 1u] = '}';
    }
}

/* Makes what is not under the seal of an event: it is the newest of its labels so far, `same` is the
 * one before it. */
static void link_in(struct event_table *t, uint16_t slot, uint32_t hash, uint16_t same) {
    struct event *e = &t->slots[slot];
    e->hash = hash;
    e->in_flight = 0;
    e->same_older = same;
    e->same_newer = NONE;
    if (same == NONE) {
        uint16_t *bucket = bucket_of(t, hash);
        e->chain = *bucket;
        *bucket = slot;
    } else {
        bucket_replace(t, same, slot);
        t->slots[same].same_newer = slot;
    }
    render_braces(t, slot);
    render_value(t, slot);
    table_stats_take(&t->stats);
}

/* What the seal of an event is to be whose labels are `labels`. */
static uint32_t seal_of(const struct event *e, const char *labels) {
    uint32_t check = state_check_word(SEAL, e->due);
    check = state_check_word(check, e->stamped_to);
    return state_check(state_check(check, e, POST_BYTES), labels, e->labels_bytes);
}

static void set_post(struct event *e, const struct event_post *post) {
    e->number = post->number;
    e->value = post->value;
    e->unix_ms = post->unix_ms;
    e->posted_s = post->posted_s;
    e->due = (event_table_mask)post->due;
    e->stamped_to = 0;
}

bool event_table_full(const struct event_table *t) {
    return t->free == NONE;
}

uint16_t event_table_add(struct event_table *t, struct slice labels, uint32_t hash, uint16_t same,
                         const struct event_post *post) {
    const uint16_t slot = t->free;
    struct event *e = &t->slots[slot];
    t->free = e->newer;
    set_post(e, post);
    e->labels_bytes = (uint16_t)labels.len;
    memcpy(t->lines[slot] + 1, labels.bytes, labels.len);
    state_barrier();
    e->seal = seal_of(e, t->lines[slot] + 1);
    state_barrier();
    order_insert(t, slot, t->newest);
    link_in(t, slot, hash, same);
    return slot;
}

void event_table_renew(struct event_table *t, struct state_redo *redo, uint16_t slot,
                       const struct event_post *post) {
    struct event *e = &t->slots[slot];
    struct event renewed = *e;
    set_post(&renewed, post);
    renewed.seal = seal_of(&renewed, t->lines[slot] + 1);
    state_redo_write(redo, e, &renewed, CHANGED_END);
    order_unlink(t, slot);
    order_insert(t, slot, t->newest);
    render_value(t, slot);
}

void event_table_set_due(struct event_table *t, struct state_redo *redo, uint16_t slot,
                         uint32_t due, uint32_t stamped_to) {
    struct event *e = &t->slots[slot];
    struct event changed = *e;
    changed.due = (event_table_mask)due;
    changed.stamped_to = (event_table_mask)stamped_to;
    changed.seal = seal_of(&changed, t->lines[slot] + 1);
    state_redo_write(redo, &e->seal, &changed.seal, CHANGED_END - POST_BYTES);
}

void event_table_remove(struct event_table *t, uint16_t slot) {
    struct event *e = &t->slots[slot];
    e->seal = 0;
    state_barrier();
    if (e->same_newer == NONE) {
        bucket_replace(t, slot, e->same_older);
    } else {
        t->slots[e->same_newer].same_older = e->same_older;
    }
    if (e->same_older != NONE) {
        t->slots[e->same_older].same_newer = e->same_newer;
    }
    order_unlink(t, slot);
    give_slot(t, slot);
    table_stats_give(&t->stats);
}

/* ---- after a reset ------------------------------------------------------------------------ */

/* Among those found so far, most of which are older. */
static void order_by_number(struct event_table *t, uint16_t slot) {
    uint16_t older = t->newest;
    while (older != NONE && t->slots[older].number > t->slots[slot].number) {
        older = t->slots[older].older;
    }
    order_insert(t, slot, older);
}

uint32_t event_table_recover(struct event_table *t, struct hash_key key) {
    uint32_t damaged_count = 0;
    set_empty(t, key);
    for (uint32_t i = 0; i < CFG_EVENTS_MAX; i++) {
        struct event *e = &t->slots[i];
        if (e->seal != 0 && e->labels_bytes <= CFG_EVENT_TEXT_BYTES &&
            e->seal == seal_of(e, t->lines[i] + 1)) {
            order_by_number(t, (uint16_t)i);
            continue;
        }
        damaged_count += e->seal != 0;
        e->seal = 0;
        give_slot(t, (uint16_t)i);
    }
    for (uint16_t slot = t->oldest; slot != NONE; slot = t->slots[slot].newer) {
        const struct slice labels = event_table_labels(t, slot);
        const uint32_t hash = event_table_hash(t, labels);
        link_in(t, slot, hash, event_table_find(t, labels, hash));
    }
    return damaged_count;
}

struct slice event_table_labels(const struct event_table *t, uint16_t slot) {
    return (struct slice){t->lines[slot] + 1, t->slots[slot].labels_bytes};
}

struct slice event_table_line(const struct event_table *t, uint16_t slot) {
    return (struct slice){t->lines[slot], t->slots[slot].line_bytes};
}
