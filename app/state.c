/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * state.c: see state.h.
 */
#include "state.h"

#include "state_order.h"

#include <stddef.h>

#define MAGIC 0x706e6753u /* another byte order makes another number of it */

#define CHECKED_BYTES ((uint32_t)offsetof(struct state_header, check))

/* All that decides where a field lies and how many there are of it. */
static uint32_t layout_hash(void) {
    static const uint32_t sizes[] = {
        sizeof(struct state),
        offsetof(struct state, registry),
        sizeof(struct registry),
        sizeof(struct registry_family),
        sizeof(struct registry_series),
        sizeof(struct registry_txn),
        offsetof(struct state, delivery),
        sizeof(struct delivery),
        sizeof(struct delivery_scrape),
        sizeof(struct event),
        sizeof(struct event_times),
        sizeof(struct scraper),
        offsetof(struct state, idempotency),
        sizeof(struct idempotency),
        sizeof(struct idempotency_entry),
        CFG_FAMILIES_MAX,
        CFG_SERIES_MAX,
        CFG_REGISTRY_TEXT_BYTES,
        CFG_REGISTRY_VALUE_BYTES,
        CFG_REGISTRY_TRANSACTIONS_MAX,
        CFG_LINE_BYTES,
        CFG_EVENTS_MAX,
        CFG_EVENT_TEXT_BYTES,
        CFG_SCRAPERS_MAX,
        CFG_SCRAPES_IN_FLIGHT_MAX,
        CFG_IDEMPOTENCY_KEYS,
    };
    return state_check(MAGIC, sizes, sizeof sizes);
}

enum state_kind state_look(const struct state_header *header) {
    if (header->magic != MAGIC || header->check == 0) {
        return STATE_NONE;
    }
    if (header->check != state_check(MAGIC, header, CHECKED_BYTES)) {
        return STATE_DAMAGED;
    }
    if (header->version != STATE_VERSION) {
        return STATE_OTHER_VERSION;
    }
    return header->layout == layout_hash() ? STATE_OURS : STATE_OTHER_CAPACITIES;
}

static void make(struct state *s, const struct delivery_options *options,
                 const uint8_t key[HASH_KEY_BYTES], uint32_t now_ms) {
    s->header.check = 0;
    state_barrier();
    registry_init(&s->registry, key);
    delivery_init(&s->delivery, options, key, now_ms);
    idempotency_init(&s->idempotency, key);
    s->header.magic = MAGIC;
    s->header.version = STATE_VERSION;
    s->header.layout = layout_hash();
    memcpy(s->header.hash_key, key, HASH_KEY_BYTES);
    state_barrier();
    s->header.check = state_check(MAGIC, &s->header, CHECKED_BYTES);
    state_barrier();
}

void state_open(struct state *s, const struct delivery_options *options,
                const uint8_t key[HASH_KEY_BYTES], uint32_t now_ms, struct state_found *found) {
    found->kind = state_look(&s->header);
    if (found->kind != STATE_OURS) {
        make(s, options, key, now_ms);
        return;
    }
    const uint8_t *old_key = s->header.hash_key;
    delivery_recover(&s->delivery, options, old_key, now_ms, &found->delivery);
    /* It asks which events there have been, and which transactions were committed. */
    idempotency_recover(&s->idempotency, old_key, s->delivery.counts.posted, &s->registry,
                        &found->idempotency);
    registry_recover(&s->registry, old_key, &found->registry);
}

/* "BEFORE12 events", the last letter only of several. */
static void put_count(struct text *t, const char *before, uint32_t count, const char *what) {
    text_puts(t, before);
    text_put_u64(t, count);
    text_puts(t, what);
    if (count != 1) {
        text_put_char(t, 's');
    }
}

/* The same of what was damaged, if anything was; `*before` is for the first of the list. */
static void put_damaged(struct text *t, const char **before, uint32_t count, const char *what) {
    if (count > 0) {
        put_count(t, *before, count, what);
        *before = ", ";
    }
}

static void put_restored(const struct state_found *found, struct text *t) {
    const struct delivery_recovery *d = &found->delivery;
    const char *before = "; left out as damaged: ";
    text_puts(t, "state: ");
    text_put_u64(t, found->registry.series_count);
    put_count(t, " series, ", d->events_count, " event");
    put_count(t, " for ", d->scrapers_count, " scraper");
    text_puts(t, ", restored");
    if (d->in_flight_count > 0) {
        put_count(t, "; ", d->in_flight_count, " event");
        text_puts(t, " in flight");
    }
    put_damaged(t, &before, found->registry.damaged_count, " metric record");
    put_damaged(t, &before, d->damaged_events_count, " event");
    put_damaged(t, &before, d->damaged_scrapers_count, " scraper");
    put_damaged(t, &before, d->damaged_times_count, " event time");
    put_damaged(t, &before, found->idempotency.damaged_count, " idempotency key");
}

void state_put_found(const struct state_found *found, struct text *t) {
    static const char *const left_out[] = {
        [STATE_NONE] = "",
        [STATE_OTHER_VERSION] = "; what was kept is of another version",
        [STATE_OTHER_CAPACITIES] = "; what was kept is of other capacities",
        [STATE_DAMAGED] = "; what was kept is damaged",
        [STATE_OURS] = "",
    };
    if (found->kind == STATE_OURS) {
        put_restored(found, t);
        return;
    }
    text_puts(t, "state: empty");
    text_puts(t, left_out[found->kind]);
}
