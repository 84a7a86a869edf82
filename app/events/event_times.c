/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * event_times.c: see event_times.h.
 */
#include "events/event_times.h"

#include "state_order.h"

#define SEAL 0x74696d65u
#define AGE_MS ((int64_t)CFG_EVENT_TIMESTAMP_AGE_MS)
#define AGE_S ((CFG_EVENT_TIMESTAMP_AGE_MS + 999u) / 1000u)

static uint32_t bucket_of(uint32_t hash) {
    return (uint32_t)(((uint64_t)hash * EVENT_TIMES_BUCKETS) >> 32);
}

static uint32_t seal_of(const struct event_times_bucket *bucket) {
    uint32_t check = state_check_word(SEAL, bucket->plain_s);
    check = state_check_word(check, bucket->plain_to);
    check = state_check_word(check, bucket->next_ms_high);
    return state_check(check, &bucket->next_ms_low, sizeof bucket->next_ms_low);
}

static void change(struct event_times_bucket *bucket, struct state_redo *redo,
                   struct event_times_bucket changed) {
    changed.seal = seal_of(&changed);
    state_redo_write(redo, bucket, &changed, sizeof changed);
}

static int64_t next_ms(const struct event_times_bucket *bucket) {
    return (int64_t)((uint64_t)bucket->next_ms_high << 32 | bucket->next_ms_low);
}

static void change_next_ms(struct event_times_bucket *bucket, struct state_redo *redo,
                           int64_t unix_ms) {
    struct event_times_bucket changed = *bucket;
    changed.next_ms_low = (uint32_t)unix_ms;
    changed.next_ms_high = (uint16_t)(unix_ms >> 32);
    change(bucket, redo, changed);
}

void event_times_init(struct event_times *t) {
    for (uint32_t i = 0; i < EVENT_TIMES_BUCKETS; i++) {
        struct event_times_bucket *bucket = &t->buckets[i];
        *bucket = (struct event_times_bucket){0};
        bucket->seal = seal_of(bucket);
    }
    t->seen_unix_ms = EVENT_TIMES_UNKNOWN;
}

int64_t event_times_assign(struct event_times *t, struct state_redo *redo, uint32_t hash,
                           int64_t unix_ms) {
    struct event_times_bucket *bucket = &t->buckets[bucket_of(hash)];
    int64_t given = unix_ms;
    if (unix_ms < 0) { /* unknown; and before 1970 no timestamp can be written (FACTS 3) */
        return EVENT_TIMES_UNKNOWN;
    }
    /* A clock that was far ahead and is set right must not leave its buckets ahead for as long. */
    if (t->seen_unix_ms >= 0 && t->seen_unix_ms - unix_ms > EVENT_TIMES_AHEAD_MS) {
        for (uint32_t i = 0; i < EVENT_TIMES_BUCKETS; i++) {
            change_next_ms(&t->buckets[i], redo, 0);
        }
    }
    t->seen_unix_ms = unix_ms;
    if (next_ms(bucket) > given) {
        given = next_ms(bucket);
    }
    if (given - unix_ms > EVENT_TIMES_AHEAD_MS) {
        return EVENT_TIMES_UNKNOWN;
    }
    change_next_ms(bucket, redo, given + 1);
    return given;
}

/* One second more than needed, for both are rounded down. */
static bool plain_lately(const struct event_times_bucket *bucket, uint32_t posted_s) {
    return bucket->plain_s != 0 && posted_s <= bucket->plain_s + AGE_S;
}

bool event_times_fresh(int64_t event_unix_ms, uint32_t posted_s, int64_t unix_ms,
                       uint32_t uptime_s) {
    if (event_unix_ms < 0) {
        return false;
    }
    if (unix_ms < 0) {
        return uptime_s - posted_s + 1u < AGE_S;
    }
    int64_t age_ms = unix_ms - event_unix_ms;
    return age_ms <= AGE_MS && age_ms >= -(int64_t)EVENT_TIMES_AHEAD_MS;
}

bool event_times_barred(const struct event_times *t, uint32_t hash, uint32_t scraper,
                        uint32_t posted_s) {
    const struct event_times_bucket *bucket = &t->buckets[bucket_of(hash)];
    return (bucket->plain_to & scraper) != 0 && plain_lately(bucket, posted_s);
}

void event_times_plain(struct event_times *t, struct state_redo *redo, uint32_t hash,
                       uint32_t scraper, uint32_t uptime_s) {
    struct event_times_bucket *bucket = &t->buckets[bucket_of(hash)];
    struct event_times_bucket changed = *bucket;
    if (!plain_lately(bucket, uptime_s)) {
        changed.plain_to = 0;
    }
    changed.plain_to = (event_table_mask)(changed.plain_to | scraper);
    changed.plain_s = uptime_s;
    change(bucket, redo, changed);
}

uint32_t event_times_recover(struct event_times *t, int64_t seen_unix_ms, uint32_t *uptime_s) {
    uint32_t damaged_count = 0;
    for (uint32_t i = 0; i < EVENT_TIMES_BUCKETS; i++) {
        struct event_times_bucket *bucket = &t->buckets[i];
        if (bucket->seal != seal_of(bucket)) {
            damaged_count++;
            bucket->seal = 0;
        } else if (bucket->plain_s > *uptime_s) {
            *uptime_s = bucket->plain_s;
        }
    }
    for (uint32_t i = 0; i < EVENT_TIMES_BUCKETS; i++) {
        struct event_times_bucket *bucket = &t->buckets[i];
        if (bucket->seal == 0) {
            *bucket = (struct event_times_bucket){.plain_s = *uptime_s,
                                                  .plain_to = (event_table_mask)UINT32_MAX};
            bucket->seal = seal_of(bucket);
        }
    }
    t->seen_unix_ms = seen_unix_ms;
    return damaged_count;
}
