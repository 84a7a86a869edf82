/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * event_times.c: see event_times.h.
 */
#include "events/event_times.h"

#define AGE_MS ((int64_t)CFG_EVENT_TIMESTAMP_AGE_MS)
#define AGE_S ((CFG_EVENT_TIMESTAMP_AGE_MS + 999u) / 1000u)

static uint32_t bucket_of(uint32_t hash) {
    return (uint32_t)(((uint64_t)hash * EVENT_TIMES_BUCKETS) >> 32);
}

static void forget_given(struct event_times *t) {
    for (uint32_t i = 0; i < EVENT_TIMES_BUCKETS; i++) {
        t->buckets[i].last_unix_ms = EVENT_TIMES_UNKNOWN;
    }
}

void event_times_init(struct event_times *t) {
    forget_given(t);
    for (uint32_t i = 0; i < EVENT_TIMES_BUCKETS; i++) {
        t->buckets[i].plain_s = 0;
        t->buckets[i].plain_to = 0;
    }
    t->seen_unix_ms = EVENT_TIMES_UNKNOWN;
}

int64_t event_times_assign(struct event_times *t, uint32_t hash, int64_t unix_ms) {
    struct event_times_bucket *bucket = &t->buckets[bucket_of(hash)];
    int64_t given = unix_ms;
    if (unix_ms < 0) { /* unknown; and before 1970 no timestamp can be written (FACTS 3) */
        return EVENT_TIMES_UNKNOWN;
    }
    /* A clock that was far ahead and is set right must not leave its buckets ahead for as long. */
    if (t->seen_unix_ms >= 0 && t->seen_unix_ms - unix_ms > EVENT_TIMES_AHEAD_MS) {
        forget_given(t);
    }
    t->seen_unix_ms = unix_ms;
    if (bucket->last_unix_ms >= given) {
        given = bucket->last_unix_ms + 1;
    }
    if (given - unix_ms > EVENT_TIMES_AHEAD_MS) {
        return EVENT_TIMES_UNKNOWN;
    }
    bucket->last_unix_ms = given;
    return given;
}

/* One second more than needed, for both are rounded down. */
static bool plain_lately(const struct event_times_bucket *bucket, uint32_t posted_s) {
    return bucket->plain_s != 0 && posted_s <= bucket->plain_s + AGE_S;
}

bool event_times_usable(const struct event_times *t, uint32_t hash, uint32_t scraper,
                        int64_t event_unix_ms, uint32_t posted_s, int64_t unix_ms) {
    const struct event_times_bucket *bucket = &t->buckets[bucket_of(hash)];
    if (event_unix_ms < 0 || unix_ms < 0) {
        return false;
    }
    int64_t age_ms = unix_ms - event_unix_ms;
    if (age_ms > AGE_MS || age_ms < -(int64_t)EVENT_TIMES_AHEAD_MS) {
        return false;
    }
    return !(bucket->plain_to & scraper) || !plain_lately(bucket, posted_s);
}

void event_times_plain(struct event_times *t, uint32_t hash, uint32_t scraper, uint32_t uptime_s) {
    struct event_times_bucket *bucket = &t->buckets[bucket_of(hash)];
    if (!plain_lately(bucket, uptime_s)) {
        bucket->plain_to = 0;
    }
    bucket->plain_to |= scraper;
    bucket->plain_s = uptime_s;
}
