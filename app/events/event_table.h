/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * event_table.h: fixed slots for one-shot events, in the order of their posting, and linked with
 * the other waiting events of the same labels, found through a keyed hash. A slot holds its
 * exposition line ready but for the metric's name and the timestamp. Who an event is due to, and
 * when it goes, is decided in delivery.h, the only user. Every step is O(1).
 *
 * An event outlives a reset as what its seal covers (its post, its labels, due and stamped_to): it is
 * there from the moment that the seal is set to the moment that it is cleared, each a single store,
 * and changes in between as one (state_redo.h). The rest of a slot, and all links, are made again
 * from that.
 */
#ifndef PINGSHOT_EVENT_TABLE_H
#define PINGSHOT_EVENT_TABLE_H

#include "config.h"
#include "hash.h"
#include "metrics/number.h"
#include "state_redo.h"
#include "table_stats.h"
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

/* No slot. */
#define EVENT_TABLE_NONE 0xffffu

/* `{labels} value`: the braces, the blank and the value beside the labels. */
#define EVENT_TABLE_LINE_BYTES (CFG_EVENT_TEXT_BYTES + 3u + NUMBER_TEXT_BYTES)

/* A bit for each scraper, in memory; where it is handled it is a uint32_t. */
#if CFG_SCRAPERS_MAX <= 8
typedef uint8_t event_table_mask;
#else
typedef uint32_t event_table_mask;
#endif

struct event {
    uint64_t number; /* 1, 2, ... in order of posting; of the last post merged into it */
    double value;
    int64_t unix_ms;             /* when it was posted, or EVENT_TIMES_UNKNOWN */
    uint32_t posted_s;           /* the same on the uptime clock of delivery.h */
    uint32_t seal;               /* check word of what outlives a reset; 0: a free slot */
    event_table_mask due;        /* the scrapers that it is not delivered to yet */
    event_table_mask stamped_to; /* those of them that may have it with its timestamp */
    event_table_mask in_flight;  /* those of them with a scrape under way that carries it */
    uint32_t hash;               /* of the labels */
    uint16_t labels_bytes;
    uint16_t line_bytes;
    uint16_t older; /* neighbours in order of posting; `newer` links free slots as well */
    uint16_t newer;
    uint16_t same_older; /* neighbours among those with the same labels */
    uint16_t same_newer;
    uint16_t chain; /* next in the bucket; only the newest of a label set is in one */
};

/* What is posted, beside the labels. */
struct event_post {
    uint64_t number;
    double value;
    int64_t unix_ms;
    uint32_t posted_s;
    uint32_t due;
};

struct event_table {
    uint16_t oldest;
    uint16_t newest;
    uint16_t free;
    struct hash_key key;
    struct table_stats stats;
    uint16_t buckets[CFG_EVENTS_MAX];
    struct event slots[CFG_EVENTS_MAX];
    char lines[CFG_EVENTS_MAX][EVENT_TABLE_LINE_BYTES];
};

/* Empty, with the key that makes its hash unpredictable. */
void event_table_init(struct event_table *t, struct hash_key key);

uint32_t event_table_hash(const struct event_table *t, struct slice labels);

/* The newest waiting event with these labels, or EVENT_TABLE_NONE. `hash` is theirs. */
uint16_t event_table_find(const struct event_table *t, struct slice labels, uint32_t hash);

/* Whether all slots are taken. */
bool event_table_full(const struct event_table *t);

/* Makes an event with these labels (at most CFG_EVENT_TEXT_BYTES, copied) the newest of all; `same`
 * is what event_table_find said. There is a free slot. */
uint16_t event_table_add(struct event_table *t, struct slice labels, uint32_t hash, uint16_t same,
                         const struct event_post *post);

/* Puts a post in place of the newest event of its labels, which becomes the newest of all. */
void event_table_renew(struct event_table *t, struct state_redo *redo, uint16_t slot,
                       const struct event_post *post);

/* Changes whom it is due to (to somebody still), and who may have its timestamp. */
void event_table_set_due(struct event_table *t, struct state_redo *redo, uint16_t slot,
                         uint32_t due, uint32_t stamped_to);

/* Frees the slot. */
void event_table_remove(struct event_table *t, uint16_t slot);

/* After a reset, in place of event_table_init: keeps the events whose seal is right, in the order
 * of their numbers, and returns how many slots are free now because theirs was wrong. O(n log n) or
 * nearly so, n * n for numbers in no order at all. */
uint32_t event_table_recover(struct event_table *t, struct hash_key key);

/* `message="x",type="test"`. Valid until the slot is freed. */
struct slice event_table_labels(const struct event_table *t, uint16_t slot);

/* `{message="x",type="test"} 42.5`, or ` 42.5` without labels. Valid until the slot is freed or
 * renewed. */
struct slice event_table_line(const struct event_table *t, uint16_t slot);

#endif
