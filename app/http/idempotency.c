/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * idempotency.c: see idempotency.h. The entry at `next` is free except between prepare and settle.
 * That says after a reset where the ring goes on: behind the prepared entry, or at the first free
 * one, since entries are freed in no other way than one at a time, the oldest.
 */
#include "http/idempotency.h"

#include "metrics/registry_txn.h"
#include "state_order.h"

#define ENTRIES (CFG_IDEMPOTENCY_KEYS + 1u)

/* Seeds of the check words. */
#define SEED_PREPARED 0x70726570u
#define SEED_DONE 0x646f6e65u

_Static_assert(sizeof(struct idempotency_entry) == 28, "padding would be part of what is sealed");
_Static_assert(CFG_REGISTRY_TRANSACTIONS_MAX <= IDEMPOTENCY_NO_TXN,
               "CFG_REGISTRY_TRANSACTIONS_MAX: at most 255");

static uint32_t check(uint32_t seed, const struct idempotency_entry *e) {
    return state_check(seed, &e->record, sizeof e->record);
}

static uint32_t behind(uint32_t entry) {
    return entry + 1u < ENTRIES ? entry + 1u : 0u;
}

void idempotency_init(struct idempotency *ring, const uint8_t key[HASH_KEY_BYTES]) {
    memset(ring, 0, sizeof *ring);
    ring->key = hash_key_from(key);
}

/* ---- keys ------------------------------------------------------------------------------- */

static bool refuse_key(struct problem *p) {
    return problem_set(p, PROBLEM_MALFORMED,
                       "Idempotency-Key: must be given once, as 1 to 255 visible ASCII characters, "
                       "such as \"8e03978e-40d5-43dd-bc93-6894a57f9324\"");
}

/* What is between the quotes, its backslashes undone. */
static bool read_string(struct slice value, struct text *key) {
    for (uint32_t i = 1; i + 1 < value.len; i++) {
        char c = value.bytes[i];
        if (c == '\\') {
            c = value.bytes[++i];
            if (i + 1 == value.len || (c != '"' && c != '\\')) {
                return false;
            }
        } else if (c == '"' || c < ' ' || c > '~') {
            return false;
        }
        text_put_char(key, c);
    }
    return value.len >= 2 && value.bytes[value.len - 1] == '"';
}

static bool read_bare(struct slice value, struct text *key) {
    for (uint32_t i = 0; i < value.len; i++) {
        char c = value.bytes[i];
        if (c <= ' ' || c > '~' || c == '"' || c == '\\' || c == ',' || c == ';') {
            return false;
        }
    }
    text_put_slice(key, value);
    return true;
}

bool idempotency_read_key(const struct idempotency *ring, struct slice value,
                          struct hash_digest *key, struct problem *p) {
    char bytes[IDEMPOTENCY_KEY_BYTES];
    struct text text = text_over(bytes, sizeof bytes);
    struct hash_stream hash;
    const bool quoted = value.len > 0 && value.bytes[0] == '"';
    if (!(quoted ? read_string(value, &text) : read_bare(value, &text)) || text.len == 0 ||
        text.overflow) {
        return refuse_key(p);
    }
    hash_stream_begin(&hash, ring->key);
    hash_stream_add(&hash, text.bytes, text.len);
    *key = hash_stream_digest(&hash);
    return true;
}

/* ---- the ring --------------------------------------------------------------------------- */

static uint8_t tag_of(struct hash_digest key) {
    return (uint8_t)key.low;
}

const struct idempotency_record *idempotency_find(const struct idempotency *ring,
                                                  struct hash_digest key) {
    const uint8_t *const end = ring->tags + ENTRIES;
    const uint8_t *at = ring->tags;
    while ((at = memchr(at, tag_of(key), (size_t)(end - at))) != NULL) {
        const struct idempotency_entry *e = &ring->entries[at - ring->tags];
        if (hash_digest_equals(e->record.key, key) && e->seal != 0) {
            return &e->record;
        }
        at++;
    }
    return NULL;
}

void idempotency_prepare(struct idempotency *ring, const struct idempotency_record *record) {
    struct idempotency_entry *e = &ring->entries[ring->next];
    e->record = *record;
    ring->tags[ring->next] = tag_of(record->key);
    state_barrier();
    e->seal = check(SEED_PREPARED, e);
    state_barrier();
}

/* Makes `entry` the one that is prepared next: frees it, the oldest if the ring is full. */
static void go_on(struct idempotency *ring, uint32_t entry) {
    ring->next = entry;
    if (ring->entries[entry].seal != 0) {
        ring->entries[entry].seal = 0;
        ring->used--;
    }
    state_barrier();
}

static void set_used(struct idempotency *ring, uint32_t used) {
    ring->used = used;
    if (used > ring->high_water) {
        ring->high_water = used;
    }
}

void idempotency_settle(struct idempotency *ring, bool done) {
    struct idempotency_entry *e = &ring->entries[ring->next];
    state_barrier();
    if (!done) {
        e->seal = 0;
        return;
    }
    go_on(ring, behind(ring->next));
    e->seal = check(SEED_DONE, e);
    set_used(ring, ring->used + 1u);
}

struct table_stats idempotency_stats(const struct idempotency *ring) {
    return (struct table_stats){.name = LABEL_VALUE("idempotency_keys"),
                                .used = ring->used,
                                .high_water = ring->high_water,
                                .limit = CFG_IDEMPOTENCY_KEYS};
}

/* ---- after a reset ---------------------------------------------------------------------- */

/* Whether what a prepared entry stands for came to be. */
static bool was_done(const struct idempotency_record *record, uint64_t events_posted,
                     const struct registry *r) {
    if (record->txn != IDEMPOTENCY_NO_TXN) {
        return record->txn < CFG_REGISTRY_TRANSACTIONS_MAX &&
               r->txns[record->txn].state == REGISTRY_TXN_COMMITTED;
    }
    return (int32_t)((uint32_t)events_posted - record->event_number) >= 0;
}

void idempotency_recover(struct idempotency *ring, const uint8_t key[HASH_KEY_BYTES],
                         uint64_t events_posted, const struct registry *r,
                         struct idempotency_recovery *found) {
    uint32_t prepared = ENTRIES;
    uint32_t first_free = 0;
    *found = (struct idempotency_recovery){0};
    for (uint32_t i = ENTRIES; i-- > 0;) {
        struct idempotency_entry *e = &ring->entries[i];
        const bool is_prepared = e->seal != 0 && e->seal == check(SEED_PREPARED, e);
        if (is_prepared && was_done(&e->record, events_posted, r)) {
            prepared = i;
        } else if (e->seal != 0 && e->seal != check(SEED_DONE, e)) {
            found->damaged_count += is_prepared ? 0u : 1u;
            e->seal = 0;
        }
        ring->tags[i] = tag_of(e->record.key);
        first_free = e->seal == 0 ? i : first_free;
        found->keys_count += e->seal != 0 ? 1u : 0u;
    }
    ring->key = hash_key_from(key);
    ring->repeats_total = 0;
    ring->used = found->keys_count;
    if (prepared != ENTRIES) {
        go_on(ring, behind(prepared));
        ring->entries[prepared].seal = check(SEED_DONE, &ring->entries[prepared]);
    } else {
        go_on(ring, first_free);
    }
    found->keys_count = ring->used;
    ring->high_water = ring->used;
}
