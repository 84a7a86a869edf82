/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * delivery_recover.c: delivery_recover (delivery.h): from what is sealed, all the rest.
 */
#include "events/delivery_record.h"
#include "state_order.h"

#define NONE ((uint16_t)EVENT_TABLE_NONE)

/* Counts what goes on counting. False: the tally was damaged, and what the events say must do. */
static bool recover_tally(struct delivery *d) {
    const bool sealed = delivery_record_tally_is_sealed(&d->tally);
    if (!sealed) {
        d->tally = (struct delivery_tally){.seen_unix_ms = EVENT_TIMES_UNKNOWN, .uptime_s = 1};
    }
    d->counts = (struct delivery_counts){.posted = d->tally.posted};
    d->uptime_s = d->tally.uptime_s;
    d->uptime_rest_ms = 0;
    return sealed;
}

/* An event has a number and a time that were reached, whatever the tally had heard of it. */
static void look_at_events(struct delivery *d) {
    for (uint16_t slot = d->events.oldest; slot != NONE; slot = d->events.slots[slot].newer) {
        const struct event *e = &d->events.slots[slot];
        if (e->number > d->counts.posted) {
            d->counts.posted = e->number;
        }
        if (e->posted_s > d->uptime_s) {
            d->uptime_s = e->posted_s;
        }
    }
}

static bool is_in_state(const struct delivery_scrape *scrape, enum delivery_record_state state) {
    return scrape->seal != 0 && scrape->scraper < CFG_SCRAPERS_MAX &&
           scrape->seal == delivery_record_seal(scrape, state);
}

/* Settles what was acknowledged. Each event on the way is still due or has its seal cleared. */
static void finish_delivered(struct delivery *d, const struct delivery_scrape *scrape) {
    const uint32_t bit = (uint32_t)1 << scrape->scraper;
    uint16_t slot = d->events.oldest;
    while (slot != NONE) {
        const struct event *e = &d->events.slots[slot];
        const uint16_t newer = e->newer;
        if (e->due & bit && delivery_record_carries(scrape->taken, slot)) {
            delivery_record_settle(d, slot, bit);
        }
        slot = newer;
    }
}

/* Due to scrapers that are known, or to none: events of a scraper that was being forgotten are
 * settled for it, those that were held go to the first scraper, which was being entered. */
static void recover_due(struct delivery *d) {
    const uint32_t known = d->scrapers.mask;
    uint16_t slot = d->events.oldest;
    while (slot != NONE) {
        const struct event *e = &d->events.slots[slot];
        const uint16_t newer = e->newer;
        if (e->due == 0 && known != 0) {
            event_table_set_due(&d->events, &d->redo, slot, known, 0);
        } else if (e->due & ~known) {
            delivery_record_settle(d, slot, ~known);
        }
        slot = newer;
    }
}

static void forget_scrape(struct delivery_scrape *scrape) {
    state_barrier();
    scrape->seal = 0;
    scrape->handle = 0;
    state_barrier();
}

/* The one that was counted last comes first: counting another one makes it forgotten. */
static void recover_scrapes(struct delivery *d) {
    for (uint32_t i = 0; i < CFG_SCRAPES_IN_FLIGHT_MAX; i++) {
        if (is_in_state(&d->scrapes[i], DELIVERY_RECORD_DELIVERED)) {
            finish_delivered(d, &d->scrapes[i]);
            forget_scrape(&d->scrapes[i]);
        }
        if (d->scrapes[i].handle == d->tally.counted_handle) {
            forget_scrape(&d->scrapes[i]);
        }
    }
    recover_due(d);
    for (uint32_t i = 0; i < CFG_SCRAPES_IN_FLIGHT_MAX; i++) {
        struct delivery_scrape *scrape = &d->scrapes[i];
        if (is_in_state(scrape, DELIVERY_RECORD_SENT)) {
            delivery_record_ambiguous(d, scrape);
        }
        forget_scrape(scrape);
    }
}

/* Counts for each scraper what it has not to do with, see scraper.settled_count. */
static void count_settled(struct delivery *d) {
    d->created_count = d->events.stats.used;
    for (uint8_t i = 0; i < CFG_SCRAPERS_MAX; i++) {
        d->scrapers.entries[i].settled_count = 0;
        for (uint16_t slot = d->events.oldest; slot != NONE; slot = d->events.slots[slot].newer) {
            const uint32_t due = d->events.slots[slot].due;
            d->scrapers.entries[i].settled_count += !(due >> i & 1u);
        }
    }
}

/* How many of the waiting events were on their way, before event_table_recover forgets it. Only to
 * be told: that mask is under no seal. */
static uint32_t count_in_flight(const struct delivery *d) {
    uint32_t count = 0;
    for (uint32_t slot = 0; slot < CFG_EVENTS_MAX; slot++) {
        const struct event *e = &d->events.slots[slot];
        count += e->seal != 0 && (e->in_flight & e->due) != 0;
    }
    return count;
}

void delivery_recover(struct delivery *d, const struct delivery_options *options,
                      const uint8_t key[HASH_KEY_BYTES], uint32_t now_ms,
                      struct delivery_recovery *found) {
    *found = (struct delivery_recovery){0};
    d->options = *options;
    d->generation = 0;
    d->now_ms = now_ms;
    d->polled_ms = now_ms;
    d->scrapes_stats =
        (struct table_stats){LABEL_VALUE("scrapes_in_flight"), 0, 0, CFG_SCRAPES_IN_FLIGHT_MAX, 0};
    state_redo_recover(&d->redo, d, sizeof *d);
    found->in_flight_count = count_in_flight(d);
    found->damaged_times_count = !recover_tally(d);
    found->damaged_scrapers_count = scrapers_recover(&d->scrapers, now_ms);
    found->damaged_events_count = event_table_recover(&d->events, hash_key_from(key));
    look_at_events(d);
    found->damaged_times_count +=
        event_times_recover(&d->times, d->tally.seen_unix_ms, &d->uptime_s);
    recover_scrapes(d);
    count_settled(d);
    found->events_count = d->events.stats.used;
    found->scrapers_count = d->scrapers.stats.used;
    delivery_record_tally(d, d->tally.ambiguous, 0);
}
