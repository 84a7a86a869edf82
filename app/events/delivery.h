/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * delivery.h: one-shot events, each to every scraper exactly once (SPEC section 4). For a scraper an
 * event is pending, in flight, or delivered. A scrape is a transaction: delivery_begin takes what
 * is pending in flight, delivery_pull writes it, delivery_commit (the last byte of the response is
 * acknowledged, in time) delivers it, delivery_rollback or the scrape timeout makes it pending
 * again. Reading requests and writing responses is HTTP's job; HEAD /metrics calls none of this.
 *
 * Samples of one label set reach a scraper in the order of posting: an event does not go out while
 * an older one of its labels is in flight to the same scraper in another scrape.
 *
 * DESIGN: all of it outlives a reset (state_order.h). What counts is what is sealed: an event from
 * its post to its last delivery, a scraper from its first scrape until it is forgotten, a page from
 * the moment that its last byte goes out. Links, counts and masks of what is in flight are made
 * again by delivery_recover. So a reset between any two stores leaves each event as it was before
 * the operation or as it is after it; posts that were merged and commits, which change more than
 * one record, are finished by delivery_recover from the one that was written first.
 *
 * DESIGN: what no protocol can close. The whole page was sent, and then the connection ended, or
 * time ran out, or the server was reset, before its acknowledgement came. The scraper may have
 * stored it or not, and cannot be asked. Events are not lost, so they go out again, and may be there
 * twice. Each such event is counted (delivery_tally.ambiguous) and told by number. An event that
 * carries its timestamp is not: it is then the same sample (to Prometheus, FACTS 2) each time, and
 * it keeps its timestamp while it is young enough for one. When it no longer is, it is counted. (So
 * is one that was exposed as part of a sum, which may not be the same sum again.)
 */
#ifndef PINGSHOT_DELIVERY_H
#define PINGSHOT_DELIVERY_H

#include "config.h"
#include "events/event_table.h"
#include "events/event_times.h"
#include "events/scrapers.h"
#include "hash.h"
#include "problem.h"
#include "state_redo.h"
#include "table_stats.h"
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

/* What becomes of several events with the same labels that wait for one scraper. */
enum delivery_duplicates {
    DELIVERY_QUEUE, /* each is a sample: one a scrape, or all at once with timestamps */
    DELIVERY_LAST,  /* one sample, the newest value */
    DELIVERY_SUM,   /* one sample, the sum of the values */
};

struct delivery_options {
    uint32_t scraper_timeout_ms; /* not seen for this long: forgotten. 1..2^30 */
    enum delivery_duplicates duplicates;
    bool timestamps; /* samples carry the time of their event */
    /* Takes a line for the console: events that may come twice. NULL: nobody reads it. */
    void (*warn)(struct slice line);
};

/* Both clocks at one moment (clock.h). */
struct delivery_now {
    uint32_t monotonic_ms;
    int64_t unix_ms; /* or EVENT_TIMES_UNKNOWN */
};

/* What the client who posted an event is told. */
struct delivery_receipt {
    uint64_t event_number;
    uint32_t scrapers_count; /* due to so many; 0: held for the first that comes */
};

/* A scrape's place in what it carries; owned by its connection, 16 bytes. */
struct delivery_cursor {
    uint32_t handle;     /* for commit and rollback; 0: carries no events */
    uint32_t left_count; /* events not written yet */
    uint16_t group;      /* the oldest event of the label set being written */
    uint16_t event;      /* the next one to write */
    bool head_written;
};

#define DELIVERY_MASK_WORDS ((CFG_EVENTS_MAX + 31u) / 32u)

/* A scrape under way that carries events. */
struct delivery_scrape {
    uint32_t seal; /* check word of `handle` and below once the page was sent, another one once it
                      is delivered (delivery_record.h); 0: neither, nothing to remember */
    uint32_t started_ms;
    uint32_t timeout_ms;
    uint32_t handle; /* 0: not in use. Another one for each use, so old ones are harmless */
    uint32_t scraper;
    uint32_t taken[DELIVERY_MASK_WORDS];   /* a bit for each slot of the event table */
    uint32_t stamped[DELIVERY_MASK_WORDS]; /* those of them that carry their timestamp */
};

/* Since start, but for `posted`. */
struct delivery_counts {
    uint64_t posted;               /* events ever; events_to_metrics_event_count */
    uint64_t delivered;            /* an event to a scraper; merged ones are one */
    uint64_t rollbacks_connection; /* scrapes with events whose connection ended early */
    uint64_t rollbacks_timeout;    /* ... that were not acknowledged within their timeout */
    uint64_t released;             /* events that waited only for a scraper now forgotten */
};

/* What goes on counting after a reset. Changed as one. */
struct delivery_tally {
    uint64_t posted;      /* at least the highest number of an event that is gone */
    uint64_t ambiguous;   /* events, once for each scrape, that may come twice to a scraper */
    int64_t seen_unix_ms; /* the wall clock, up to a second ago */
    uint32_t uptime_s;
    uint32_t counted_handle; /* of the scrape that was counted as ambiguous last */
    uint32_t seal;           /* check word of what is above */
};

/* Owned by the caller; holds no pointers into itself. */
struct delivery {
    struct delivery_options options;
    struct delivery_counts counts;
    uint32_t created_count;  /* slots ever taken (modulo 2^32), see scraper.settled_count */
    uint32_t generation;     /* of handles */
    uint32_t now_ms;         /* the latest that was seen */
    uint32_t uptime_s;       /* does not wrap, goes on after a reset; starts at 1 */
    uint32_t uptime_rest_ms; /* of the second under way */
    uint32_t polled_ms;
    struct table_stats scrapes_stats;
    struct state_redo redo;
    struct delivery_tally tally;
    struct scrapers scrapers;
    struct event_times times;
    struct delivery_scrape scrapes[CFG_SCRAPES_IN_FLIGHT_MAX];
    struct event_table events;
};

/* What delivery_recover found. */
struct delivery_recovery {
    uint32_t events_count;
    uint32_t scrapers_count;
    uint32_t in_flight_count; /* of the events: a scrape with them was under way */
    uint32_t damaged_events_count;
    uint32_t damaged_scrapers_count;
    uint32_t damaged_times_count; /* and the tally; only timestamps are left out for a while */
};

/* `key`: random bytes for the hash of labels. Costs a pass over the tables. */
void delivery_init(struct delivery *d, const struct delivery_options *options,
                   const uint8_t key[HASH_KEY_BYTES], uint32_t now_ms);

/* After a reset, in place of delivery_init, with the same key: takes `*d` as the last run left it,
 * wherever it was cut off, and goes on from there. What was in flight is pending again, scrapers
 * have been seen now, numbers and uptime go on, other counts start at 0. Records that are damaged
 * are left out and counted in `*found`. Any bytes will do; this may be cut off itself. */
void delivery_recover(struct delivery *d, const struct delivery_options *options,
                      const uint8_t key[HASH_KEY_BYTES], uint32_t now_ms,
                      struct delivery_recovery *found);

/* Posts an event with these labels, as event_labels_text made them (at most CFG_EVENT_TEXT_BYTES),
 * to every scraper known now. O(1). False with PROBLEM_FULL, and nothing changed, when no slot is
 * free: an event that waits is never dropped to make room. */
bool delivery_post(struct delivery *d, struct slice labels, double value, struct delivery_now now,
                   struct delivery_receipt *receipt, struct problem *p);

/* What the receipt of a post would be now. */
static inline struct delivery_receipt delivery_next_receipt(const struct delivery *d) {
    return (struct delivery_receipt){d->counts.posted + 1u, d->scrapers.stats.used};
}

/* A scrape by `who`, whose request came at `started_ms` and announced `timeout_ms` (0: none). Takes
 * what is pending for it in flight and sets `*cursor`; its handle is 0 when that is nothing, or
 * when CFG_SCRAPES_IN_FLIGHT_MAX others are under way (counted; the events wait). A handle that is
 * not 0 must come to delivery_commit or delivery_rollback in the end.
 *
 * False with PROBLEM_FULL, for 503, when `who` is new and CFG_SCRAPERS_MAX others are known, none
 * of which is dispensable (see scrapers_dispensable). */
bool delivery_begin(struct delivery *d, const struct scraper_identity *who, uint32_t timeout_ms,
                    uint32_t started_ms, struct delivery_now now, struct delivery_cursor *cursor,
                    struct problem *p);

/* Appends the next lines to `*out`, whole ones as far as they fit: HELP and TYPE first if there are
 * any events, then the samples, those of one label set together and oldest first. True when all is
 * written; false: call again with more room, at least CFG_LINE_BYTES of it. */
bool delivery_pull(const struct delivery *d, struct delivery_cursor *cursor, bool openmetrics,
                   struct text *out);

/* True while the scrape is under way: its events are in flight. False when it has run out of time,
 * and for 0: a page with its events must not be completed then. */
bool delivery_in_flight(const struct delivery *d, uint32_t handle, uint32_t now_ms);

/* The last byte of the response is about to go to the client's TCP: from now on the client may have
 * all of it, and if its acknowledgement does not come, its events are ambiguous. Harmless when
 * repeated, and for 0. */
void delivery_sent(struct delivery *d, uint32_t handle);

/* The last byte of the response was acknowledged. True: delivered. False: it was too late and all
 * is pending again, or `handle` had ended before (or is 0), which is no error. */
bool delivery_commit(struct delivery *d, uint32_t handle, uint32_t now_ms);

/* The connection ended early. Harmless when `handle` had ended before, or is 0. */
void delivery_rollback(struct delivery *d, uint32_t handle);

/* Rolls back scrapes that have run out of time, forgets scrapers not seen for the scraper timeout.
 * Call it often (it returns at once when no millisecond has passed), at the least once a day. */
void delivery_poll(struct delivery *d, uint32_t now_ms);

/* For the own metrics: the scraper with this index, 0..CFG_SCRAPERS_MAX-1, or NULL, and how many
 * events wait for it (pending or in flight). */
const struct scraper *delivery_scraper(const struct delivery *d, uint8_t index);
uint32_t delivery_pending_count(const struct delivery *d, uint8_t index);

#endif
