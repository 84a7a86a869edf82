/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * event_times.h: with explicit timestamps, which one an event gets and when it must go without.
 * What has to be remembered for a label set after its events are gone is kept in buckets of their
 * hash; two label sets that share one are only treated with more care than they need. The buckets
 * outlive a reset: each is changed as one, and one that is damaged knows nothing and bars timestamps
 * for as long as it could have.
 */
#ifndef PINGSHOT_EVENT_TIMES_H
#define PINGSHOT_EVENT_TIMES_H

#include "config.h"
#include "events/event_table.h"
#include "state_redo.h"

#include <stdbool.h>
#include <stdint.h>

/* The wall time of something is not known. */
#define EVENT_TIMES_UNKNOWN INT64_MIN

/* A timestamp further ahead of the clock than this is left out, in ms: the clock was set back
 * since. Prometheus drops what is ten minutes ahead. */
#define EVENT_TIMES_AHEAD_MS 60000

#define EVENT_TIMES_BUCKETS (CFG_EVENTS_MAX / 2u + 1u)

struct event_times_bucket {
    uint32_t seal;        /* check word of what is below */
    uint32_t plain_s;     /* uptime of the last exposure without a timestamp; 0: never */
    uint32_t next_ms_low; /* the earliest timestamp that may be given next, of 48 bits */
    uint16_t next_ms_high;
    event_table_mask plain_to; /* the scrapers that have had an exposure without one */
};

struct event_times {
    struct event_times_bucket buckets[EVENT_TIMES_BUCKETS];
    int64_t seen_unix_ms; /* the wall clock when it was last looked at */
};

void event_times_init(struct event_times *t);

/* The time of an event posted now, `unix_ms` (or EVENT_TIMES_UNKNOWN): later than every earlier one
 * of its labels, a millisecond at a time where the clock does not do it. EVENT_TIMES_UNKNOWN when
 * that would be more than EVENT_TIMES_AHEAD_MS ahead. */
int64_t event_times_assign(struct event_times *t, struct state_redo *redo, uint32_t hash,
                           int64_t unix_ms);

/* Whether an event of time `event_unix_ms`, posted at uptime `posted_s`, is of an age to carry its
 * timestamp at `unix_ms`, uptime `uptime_s`. Not when its time is unknown, or it is older than
 * CFG_EVENT_TIMESTAMP_AGE_MS or ahead of the clock. Until a board that was reset knows the time
 * again the uptime, which goes on, says how old it is. */
bool event_times_fresh(int64_t event_unix_ms, uint32_t posted_s, int64_t unix_ms,
                       uint32_t uptime_s);

/* Whether an event posted at uptime `posted_s` must go to `scraper` (its bit) without a timestamp,
 * because that was less than CFG_EVENT_TIMESTAMP_AGE_MS after a sample of its labels went there
 * without one: Prometheus wrote that at the time of its scrape, and a staleness marker at the time
 * of the next, and silently drops what is older than those.
 *
 * Other scrapers' samples do not count: one without a timestamp right after one that has it would
 * be too old for a Prometheus whose clock is behind. */
bool event_times_barred(const struct event_times *t, uint32_t hash, uint32_t scraper,
                        uint32_t posted_s);

/* A sample of these labels goes to `scraper` (its bit) without a timestamp, at uptime `uptime_s`. */
void event_times_plain(struct event_times *t, struct state_redo *redo, uint32_t hash,
                       uint32_t scraper, uint32_t uptime_s);

/* After a reset, in place of event_times_init: what is known of the uptime is `*uptime_s`; a bucket
 * may know of more and raise it. The wall clock was last at `seen_unix_ms`. Returns how many buckets
 * were damaged. */
uint32_t event_times_recover(struct event_times *t, int64_t seen_unix_ms, uint32_t *uptime_s);

#endif
