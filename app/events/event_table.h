/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * event_table.h: fixed slots for one-shot events, in the order of their posting, and linked with
 * the other waiting events of the same labels, found through a keyed hash. A slot holds its
 * exposition line ready but for the metric's name and the timestamp. Who an event is due to, and
 * when it goes, is decided in delivery.h, the only user. Every step is O(1).
 */
#ifndef PINGSHOT_EVENT_TABLE_H
#define PINGSHOT_EVENT_TABLE_H

#include "config.h"
#include "hash.h"
#include "metrics/number.h"
#include "table_stats.h"
#include "text.h"

#include <stdint.h>

/* No slot. */
#define EVENT_TABLE_NONE 0xffffu

/* `{labels} value`: the braces, the blank and the value beside the labels. */
#define EVENT_TABLE_LINE_BYTES (CFG_EVENT_TEXT_BYTES + 3u + NUMBER_TEXT_BYTES)

struct event {
    uint64_t number; /* 1, 2, ... in order of posting; of the last post merged into it */
    double value;
    int64_t unix_ms;    /* when it was posted, or EVENT_TIMES_UNKNOWN */
    uint32_t posted_s;  /* the same on the uptime clock of delivery.h */
    uint32_t hash;      /* of the labels */
    uint32_t due;       /* a bit for each scraper that it is not delivered to yet */
    uint32_t in_flight; /* those of them with a scrape under way that carries it */
    uint16_t older;     /* neighbours in order of posting; `newer` links free slots as well */
    uint16_t newer;
    uint16_t same_older; /* neighbours among those with the same labels */
    uint16_t same_newer;
    uint16_t chain; /* next in the bucket; only the newest of a label set is in one */
    uint16_t labels_bytes;
    uint16_t line_bytes;
};

struct event_table {
    struct event slots[CFG_EVENTS_MAX];
    uint16_t buckets[CFG_EVENTS_MAX];
    uint16_t oldest;
    uint16_t newest;
    uint16_t free;
    struct hash_key key;
    struct table_stats stats;
    char lines[CFG_EVENTS_MAX][EVENT_TABLE_LINE_BYTES];
};

/* Empty, with the key that makes its hash unpredictable. */
void event_table_init(struct event_table *t, struct hash_key key);

uint32_t event_table_hash(const struct event_table *t, struct slice labels);

/* The newest waiting event with these labels, or EVENT_TABLE_NONE. `hash` is theirs. */
uint16_t event_table_find(const struct event_table *t, struct slice labels, uint32_t hash);

/* Takes a slot for an event with these labels (at most CFG_EVENT_TEXT_BYTES, copied) and value, as
 * the newest of all; `same` is what event_table_find said. number, times, due and in_flight are
 * zero and for the caller to set. EVENT_TABLE_NONE, counted as a refusal, when there is none. */
uint16_t event_table_add(struct event_table *t, struct slice labels, uint32_t hash, uint16_t same,
                         double value);

/* Gives the newest event of its labels another value and makes it the newest of all. */
void event_table_renew(struct event_table *t, uint16_t slot, double value);

/* Frees the slot. */
void event_table_remove(struct event_table *t, uint16_t slot);

/* `message="x",type="test"`. Valid until the slot is freed. */
struct slice event_table_labels(const struct event_table *t, uint16_t slot);

/* `{message="x",type="test"} 42.5`, or ` 42.5` without labels. Valid until the slot is freed or
 * renewed. */
struct slice event_table_line(const struct event_table *t, uint16_t slot);

#endif
