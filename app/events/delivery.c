/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * delivery.c: see delivery.h. Three invariants carry it:
 * - an event is due to the scrapers known when it was posted, less those that have it, so of the
 *   events of one label set those due to a scraper are always the newest ones, without a gap;
 * - events that are due to nobody exist only while no scraper is known: they are held;
 * - a scraper with a scrape under way keeps its entry, so the bits of a scrape stay its own.
 */
#include "events/delivery.h"

#include "clock.h"
#include "events/delivery_record.h"
#include "state_order.h"

#include <stddef.h>

#define NONE ((uint16_t)EVENT_TABLE_NONE)

/* Longer announced timeouts are taken as this, so that differences of a wrapping clock work: a day. */
#define SCRAPE_TIMEOUT_MAX_MS 86400000u

static void advance(struct delivery *d, uint32_t now_ms) {
    if (!clock_reached(now_ms, d->now_ms)) { /* one caller's `now` may be older than another's */
        return;
    }
    d->uptime_rest_ms += now_ms - d->now_ms;
    d->now_ms = now_ms;
    if (d->uptime_rest_ms >= 1000u) {
        d->uptime_s += d->uptime_rest_ms / 1000u;
        d->uptime_rest_ms %= 1000u;
        delivery_record_tally(d, d->tally.ambiguous, 0);
    }
}

void delivery_init(struct delivery *d, const struct delivery_options *options,
                   const uint8_t key[HASH_KEY_BYTES], uint32_t now_ms) {
    d->options = *options;
    d->counts = (struct delivery_counts){0};
    d->created_count = 0;
    d->generation = 0;
    d->now_ms = now_ms;
    d->uptime_s = 1; /* second 0 means never in event_times */
    d->uptime_rest_ms = 0;
    d->polled_ms = now_ms;
    d->scrapes_stats =
        (struct table_stats){LABEL_VALUE("scrapes_in_flight"), 0, 0, CFG_SCRAPES_IN_FLIGHT_MAX, 0};
    for (uint32_t i = 0; i < CFG_SCRAPES_IN_FLIGHT_MAX; i++) {
        d->scrapes[i].handle = 0;
        d->scrapes[i].seal = 0;
    }
    scrapers_init(&d->scrapers);
    event_times_init(&d->times);
    event_table_init(&d->events, hash_key_from(key));
    d->redo.check = 0;
    delivery_record_tally(d, 0, 0);
}

/* ---- posting ------------------------------------------------------------------------------ */

static bool events_full(const struct delivery *d, struct problem *p) {
    return problem_format(
        p, PROBLEM_FULL, "all %u event slots wait %s, post it again later", CFG_EVENTS_MAX,
        d->scrapers.mask == 0 ? "for the first scraper to come" : "to be scraped");
}

/* Whether a post may go into this waiting event of its labels instead of a slot of its own:
 * nothing of it is under way, and it is due to all that the post is due to and to no one else. */
static bool can_merge(const struct delivery *d, uint16_t same) {
    const struct event *e = &d->events.slots[same];
    return d->options.duplicates != DELIVERY_QUEUE && e->in_flight == 0 &&
           e->due == d->scrapers.mask;
}

bool delivery_post(struct delivery *d, struct slice labels, double value, struct delivery_now now,
                   struct delivery_receipt *receipt, struct problem *p) {
    uint32_t hash = event_table_hash(&d->events, labels);
    uint16_t slot = event_table_find(&d->events, labels, hash);
    bool merge = slot != NONE && can_merge(d, slot);
    advance(d, now.monotonic_ms);
    if (!merge && event_table_full(&d->events)) {
        d->events.stats.refused_total++;
        return events_full(d, p);
    }
    const struct event_post post = {
        .number = d->counts.posted + 1u,
        .value = merge && d->options.duplicates == DELIVERY_SUM
                     ? d->events.slots[slot].value + value
                     : value,
        .unix_ms = d->options.timestamps
                       ? event_times_assign(&d->times, &d->redo, hash, now.unix_ms)
                       : EVENT_TIMES_UNKNOWN,
        .posted_s = d->uptime_s,
        .due = d->scrapers.mask,
    };
    if (merge) {
        event_table_renew(&d->events, &d->redo, slot, &post);
    } else {
        event_table_add(&d->events, labels, hash, slot, &post);
        d->created_count++;
    }
    d->counts.posted = post.number;
    *receipt = (struct delivery_receipt){post.number, d->scrapers.stats.used};
    return true;
}

/* ---- scrapers ----------------------------------------------------------------------------- */

uint32_t delivery_pending_count(const struct delivery *d, uint8_t index) {
    return d->created_count - d->scrapers.entries[index].settled_count;
}

const struct scraper *delivery_scraper(const struct delivery *d, uint8_t index) {
    const struct scraper *s = &d->scrapers.entries[index];
    return s->seal != 0 ? s : NULL;
}

/* It is forgotten with the first store; the bits in the events follow, before another scraper can
 * have its entry. */
static void forget_scraper(struct delivery *d, uint8_t index) {
    uint32_t bit = (uint32_t)1 << index;
    uint32_t left = delivery_pending_count(d, index);
    uint16_t slot = d->events.oldest;
    scrapers_remove(&d->scrapers, index);
    while (left > 0 && slot != NONE) {
        uint16_t newer = d->events.slots[slot].newer;
        if (d->events.slots[slot].due & bit) {
            left--;
            d->counts.released += delivery_record_settle(d, slot, bit);
        }
        slot = newer;
    }
}

/* Enters a new scraper, which starts from here; the first one gets what was held. */
static uint8_t admit_scraper(struct delivery *d, const struct scraper_identity *who,
                             uint32_t now_ms) {
    if (d->scrapers.stats.used == CFG_SCRAPERS_MAX) {
        uint8_t victim = scrapers_dispensable(&d->scrapers);
        if (victim == SCRAPERS_NONE) {
            d->scrapers.stats.refused_total++;
            return SCRAPERS_NONE;
        }
        forget_scraper(d, victim);
    }
    bool first = d->scrapers.mask == 0;
    uint8_t index = scrapers_add(&d->scrapers, who, now_ms);
    struct scraper *s = &d->scrapers.entries[index];
    s->settled_count = d->created_count;
    if (first) {
        s->settled_count -= d->events.stats.used;
        for (uint16_t e = d->events.oldest; e != NONE; e = d->events.slots[e].newer) {
            event_table_set_due(&d->events, &d->redo, e, d->scrapers.mask, 0);
        }
    }
    return index;
}

static bool scrapers_full(struct problem *p) {
    return problem_format(p, PROBLEM_FULL,
                          "all %u scrapers that events are kept for are known, "
                          "one is forgotten when it stays away for the scraper timeout",
                          CFG_SCRAPERS_MAX);
}

/* ---- taking events in flight -------------------------------------------------------------- */

static void mask_set(uint32_t *mask, uint16_t slot) {
    mask[slot / 32u] |= (uint32_t)1 << (slot % 32u);
}

/* The oldest event due to a scraper to which `count` (not 0) are. Looks from the newest back: what
 * waits longest for others costs this one nothing. */
static uint16_t oldest_due(const struct delivery *d, uint32_t bit, uint32_t count) {
    uint16_t slot = d->events.newest;
    for (;;) {
        if (d->events.slots[slot].due & bit && --count == 0) {
            return slot;
        }
        slot = d->events.slots[slot].older;
    }
}

/* Whether the event may go into this scrape, seen from the next older one of its labels. */
static bool follows_older(const struct delivery *d, const struct delivery_scrape *scrape,
                          const struct event *e, uint32_t bit, bool stamp) {
    if (e->same_older == NONE) {
        return true;
    }
    const struct event *older = &d->events.slots[e->same_older];
    if (!(older->due & bit)) {
        return true;
    }
    if (!delivery_record_carries(scrape->taken, e->same_older)) {
        return false; /* it waits as well, or is under way in another scrape that may yet fail */
    }
    return d->options.duplicates != DELIVERY_QUEUE ||
           (stamp && delivery_record_carries(scrape->stamped, e->same_older) &&
            e->unix_ms > older->unix_ms);
}

/* Whether the event carries its timestamp. One that may be with the scraper under it keeps it,
 * whatever went there since. */
static bool carries_timestamp(const struct delivery *d, const struct event *e, uint32_t bit,
                              int64_t unix_ms) {
    return d->options.timestamps &&
           event_times_fresh(e->unix_ms, e->posted_s, unix_ms, d->uptime_s) &&
           (e->stamped_to & bit || !event_times_barred(&d->times, e->hash, bit, e->posted_s));
}

/* An event goes out without its timestamp, at the time of the scrape. From then on Prometheus drops
 * what is older, so newer events of its labels that it may have with their timestamps, or may not
 * have, must go without as well: twice, maybe, but not lost. */
static void unstamp_newer(struct delivery *d, uint16_t slot, uint32_t scraper) {
    const uint32_t bit = (uint32_t)1 << scraper;
    while ((slot = d->events.slots[slot].same_newer) != NONE) {
        if (d->events.slots[slot].stamped_to & bit) {
            delivery_record_lost_stamp(d, slot, scraper);
        }
    }
}

/* Decides on the timestamp of an event, and takes it if it may go. */
static bool take(struct delivery *d, struct delivery_scrape *scrape, uint16_t slot,
                 int64_t unix_ms) {
    struct event *e = &d->events.slots[slot];
    uint32_t bit = (uint32_t)1 << scrape->scraper;
    bool stamp = carries_timestamp(d, e, bit, unix_ms);
    if (e->in_flight & bit || !follows_older(d, scrape, e, bit, stamp)) {
        return false;
    }
    e->in_flight = (event_table_mask)(e->in_flight | bit);
    mask_set(scrape->taken, slot);
    if (stamp) {
        mask_set(scrape->stamped, slot);
        return true;
    }
    if (e->stamped_to & bit) {
        delivery_record_lost_stamp(d, slot, scrape->scraper);
    }
    if (d->options.timestamps &&
        (d->options.duplicates == DELIVERY_QUEUE || e->same_newer == NONE)) {
        unstamp_newer(d, slot, scrape->scraper);
        event_times_plain(&d->times, &d->redo, e->hash, bit, d->uptime_s);
    }
    return true;
}

/* The last moment that is in time is a whole timeout after the start. */
static bool out_of_time(const struct delivery_scrape *scrape, uint32_t now_ms) {
    return clock_reached(now_ms, scrape->started_ms + scrape->timeout_ms + 1u);
}

static struct delivery_scrape *free_scrape(struct delivery *d) {
    for (uint32_t i = 0; i < CFG_SCRAPES_IN_FLIGHT_MAX; i++) {
        if (d->scrapes[i].handle == 0) {
            return &d->scrapes[i];
        }
    }
    return NULL;
}

/* Takes all that may go; without any, the scrape stays unused. */
static void take_pending(struct delivery *d, struct delivery_scrape *scrape, int64_t unix_ms,
                         struct delivery_cursor *cursor) {
    uint32_t bit = (uint32_t)1 << scrape->scraper;
    uint32_t left = delivery_pending_count(d, (uint8_t)scrape->scraper);
    memset(scrape->taken, 0, sizeof scrape->taken);
    memset(scrape->stamped, 0, sizeof scrape->stamped);
    for (uint16_t slot = oldest_due(d, bit, left); left > 0; slot = d->events.slots[slot].newer) {
        if (!(d->events.slots[slot].due & bit)) {
            continue;
        }
        left--;
        if (take(d, scrape, slot, unix_ms)) {
            if (cursor->left_count == 0) {
                cursor->group = slot;
                cursor->event = slot;
            }
            cursor->left_count++;
        }
    }
    if (cursor->left_count > 0) {
        d->generation = (d->generation + 1u) & 0xffffffu;
        scrape->handle = d->generation << 8 | (uint32_t)(scrape - d->scrapes + 1);
        cursor->handle = scrape->handle;
        d->scrapers.entries[scrape->scraper].in_flight_count++;
        table_stats_take(&d->scrapes_stats);
    }
}

static uint32_t effective_timeout_ms(uint32_t announced_ms) {
    if (announced_ms == 0) {
        return CFG_SCRAPE_TIMEOUT_MS;
    }
    return announced_ms < SCRAPE_TIMEOUT_MAX_MS ? announced_ms : SCRAPE_TIMEOUT_MAX_MS;
}

bool delivery_begin(struct delivery *d, const struct scraper_identity *who, uint32_t timeout_ms,
                    uint32_t started_ms, struct delivery_now now, struct delivery_cursor *cursor,
                    struct problem *p) {
    uint8_t index = scrapers_find(&d->scrapers, who);
    *cursor = (struct delivery_cursor){.group = NONE, .event = NONE};
    advance(d, now.monotonic_ms);
    if (index == SCRAPERS_NONE) {
        index = admit_scraper(d, who, now.monotonic_ms);
        if (index == SCRAPERS_NONE) {
            return scrapers_full(p);
        }
    }
    struct scraper *s = &d->scrapers.entries[index];
    s->scrapes_count++;
    s->last_seen_ms = now.monotonic_ms;
    s->announced = s->announced != 0 || timeout_ms != 0;
    if (delivery_pending_count(d, index) == 0) {
        return true;
    }
    struct delivery_scrape *scrape = free_scrape(d);
    if (scrape == NULL) {
        d->scrapes_stats.refused_total++;
        return true;
    }
    scrape->started_ms = started_ms;
    scrape->timeout_ms = effective_timeout_ms(timeout_ms);
    scrape->scraper = index;
    if (!out_of_time(scrape, now.monotonic_ms)) {
        take_pending(d, scrape, now.unix_ms, cursor);
    }
    return true;
}

/* ---- writing ------------------------------------------------------------------------------ */

static uint32_t scrape_index(const struct delivery *d, uint32_t handle) {
    uint32_t index = (handle & 0xffu) - 1u;
    if (handle == 0 || index >= CFG_SCRAPES_IN_FLIGHT_MAX || d->scrapes[index].handle != handle) {
        return CFG_SCRAPES_IN_FLIGHT_MAX;
    }
    return index;
}

static void put_timestamp(struct text *out, int64_t unix_ms, bool openmetrics) {
    if (openmetrics) {
        text_format(out, " %llu.%03u", (unsigned long long)unix_ms / 1000u,
                    (unsigned)((uint64_t)unix_ms % 1000u));
    } else {
        text_format(out, " %llu", (unsigned long long)unix_ms);
    }
}

/* The next newer event of the labels that is in the scrape as well, or NONE. */
static uint16_t next_same(const struct delivery *d, const struct delivery_scrape *scrape,
                          uint16_t slot) {
    uint16_t newer = d->events.slots[slot].same_newer;
    return newer != NONE && delivery_record_carries(scrape->taken, newer) ? newer : NONE;
}

/* The oldest event of the next label set of the scrape; there is one. */
static uint16_t next_group(const struct delivery *d, const struct delivery_scrape *scrape,
                           uint16_t slot) {
    for (;;) {
        slot = d->events.slots[slot].newer;
        uint16_t older = d->events.slots[slot].same_older;
        if (delivery_record_carries(scrape->taken, slot) &&
            (older == NONE || !delivery_record_carries(scrape->taken, older))) {
            return slot;
        }
    }
}

/* The line of several events of one label set that are exposed as their sum. */
static void put_sum(const struct delivery *d, const struct delivery_scrape *scrape, uint16_t slot,
                    struct text *out) {
    char number[NUMBER_TEXT_BYTES];
    struct slice line = event_table_line(&d->events, slot);
    uint32_t labels_bytes = d->events.slots[slot].labels_bytes;
    double sum = 0;
    for (uint16_t e = slot; e != NONE; e = next_same(d, scrape, e)) {
        sum += d->events.slots[e].value;
    }
    text_put(out, line.bytes, labels_bytes == 0 ? 0 : labels_bytes + 2u);
    text_put_char(out, ' ');
    text_put(out, number, number_format(number, sum));
}

/* Writes the sample at the cursor, which may stand for `*covered` events; `*last` is the newest of
 * them. False when it does not fit. */
static bool put_sample(const struct delivery *d, const struct delivery_scrape *scrape,
                       uint16_t slot, bool openmetrics, struct text *out, uint32_t *covered,
                       uint16_t *last) {
    *covered = 1;
    *last = slot;
    if (d->options.duplicates != DELIVERY_QUEUE) {
        uint16_t newer;
        while ((newer = next_same(d, scrape, *last)) != NONE) {
            *last = newer;
            (*covered)++;
        }
    }
    struct text attempt = *out;
    text_put_slice(&attempt, SLICE("events_to_metrics"));
    if (*covered > 1 && d->options.duplicates == DELIVERY_SUM) {
        put_sum(d, scrape, slot, &attempt);
    } else {
        text_put_slice(&attempt, event_table_line(&d->events, *last));
    }
    if (delivery_record_carries(scrape->stamped, *last)) {
        put_timestamp(&attempt, d->events.slots[*last].unix_ms, openmetrics);
    }
    text_put_char(&attempt, '\n');
    if (!attempt.overflow) {
        out->len = attempt.len;
    }
    return !attempt.overflow;
}

static bool put_head(struct text *out) {
    struct text attempt = *out;
    text_puts(&attempt, "# HELP events_to_metrics One-shot events, each exposed exactly once.\n"
                        "# TYPE events_to_metrics gauge\n");
    if (!attempt.overflow) {
        out->len = attempt.len;
    }
    return !attempt.overflow;
}

bool delivery_in_flight(const struct delivery *d, uint32_t handle, uint32_t now_ms) {
    uint32_t index = scrape_index(d, handle);
    return index != CFG_SCRAPES_IN_FLIGHT_MAX && !out_of_time(&d->scrapes[index], now_ms);
}

bool delivery_pull(const struct delivery *d, struct delivery_cursor *cursor, bool openmetrics,
                   struct text *out) {
    uint32_t index = scrape_index(d, cursor->handle);
    if (index == CFG_SCRAPES_IN_FLIGHT_MAX) {
        return true;
    }
    const struct delivery_scrape *scrape = &d->scrapes[index];
    if (!cursor->head_written) {
        cursor->head_written = put_head(out);
    }
    while (cursor->head_written && cursor->left_count > 0) {
        uint32_t covered;
        uint16_t last;
        if (!put_sample(d, scrape, cursor->event, openmetrics, out, &covered, &last)) {
            return false;
        }
        cursor->left_count -= covered;
        cursor->event = next_same(d, scrape, last);
        if (cursor->event == NONE && cursor->left_count > 0) {
            cursor->group = next_group(d, scrape, cursor->group);
            cursor->event = cursor->group;
        }
    }
    return cursor->head_written;
}

/* ---- the end of a scrape ------------------------------------------------------------------ */

static void settle(struct delivery *d, uint16_t slot, uint32_t scraper) {
    d->counts.delivered++;
    d->scrapers.entries[scraper].settled_count++;
    delivery_record_settle(d, slot, (uint32_t)1 << scraper);
}

static void end_scrape(struct delivery *d, struct delivery_scrape *scrape, bool delivered) {
    uint32_t bit = (uint32_t)1 << scrape->scraper;
    for (uint32_t i = 0; i < DELIVERY_MASK_WORDS; i++) {
        for (uint32_t word = scrape->taken[i]; word != 0; word &= word - 1u) {
            uint16_t slot = (uint16_t)(i * 32u + (uint32_t)__builtin_ctz(word));
            event_table_mask *in_flight = &d->events.slots[slot].in_flight;
            *in_flight = (event_table_mask)(*in_flight & ~bit);
            if (delivered) {
                settle(d, slot, scrape->scraper);
            }
        }
    }
    state_barrier();
    scrape->seal = 0;
    scrape->handle = 0;
    d->scrapers.entries[scrape->scraper].in_flight_count--;
    table_stats_give(&d->scrapes_stats);
}

/* All of it is delivered with one store. */
static void end_delivered(struct delivery *d, struct delivery_scrape *scrape) {
    scrape->seal = delivery_record_seal(scrape, DELIVERY_RECORD_DELIVERED);
    state_barrier();
    end_scrape(d, scrape, true);
}

static void end_rolled_back(struct delivery *d, struct delivery_scrape *scrape) {
    if (scrape->seal != 0) {
        delivery_record_ambiguous(d, scrape);
    }
    end_scrape(d, scrape, false);
}

void delivery_sent(struct delivery *d, uint32_t handle) {
    uint32_t index = scrape_index(d, handle);
    if (index != CFG_SCRAPES_IN_FLIGHT_MAX) {
        struct delivery_scrape *scrape = &d->scrapes[index];
        scrape->seal = delivery_record_seal(scrape, DELIVERY_RECORD_SENT);
    }
}

bool delivery_commit(struct delivery *d, uint32_t handle, uint32_t now_ms) {
    uint32_t index = scrape_index(d, handle);
    if (index == CFG_SCRAPES_IN_FLIGHT_MAX) {
        return false;
    }
    struct delivery_scrape *scrape = &d->scrapes[index];
    bool in_time = !out_of_time(scrape, now_ms);
    advance(d, now_ms);
    d->scrapers.entries[scrape->scraper].last_seen_ms = now_ms;
    if (in_time) {
        end_delivered(d, scrape);
    } else {
        end_rolled_back(d, scrape);
        d->counts.rollbacks_timeout++;
    }
    return in_time;
}

void delivery_rollback(struct delivery *d, uint32_t handle) {
    uint32_t index = scrape_index(d, handle);
    if (index != CFG_SCRAPES_IN_FLIGHT_MAX) {
        end_rolled_back(d, &d->scrapes[index]);
        d->counts.rollbacks_connection++;
    }
}

static void poll_scrapes(struct delivery *d, uint32_t now_ms) {
    for (uint32_t i = 0; d->scrapes_stats.used > 0 && i < CFG_SCRAPES_IN_FLIGHT_MAX; i++) {
        if (d->scrapes[i].handle != 0 && out_of_time(&d->scrapes[i], now_ms)) {
            end_rolled_back(d, &d->scrapes[i]);
            d->counts.rollbacks_timeout++;
        }
    }
}

static void poll_scrapers(struct delivery *d, uint32_t now_ms) {
    uint8_t i = 0;
    for (uint32_t known = d->scrapers.mask; known != 0; known >>= 1, i++) {
        const struct scraper *s = &d->scrapers.entries[i];
        if ((known & 1u) != 0 && s->in_flight_count == 0 &&
            clock_reached(now_ms, s->last_seen_ms + d->options.scraper_timeout_ms)) {
            forget_scraper(d, i);
        }
    }
}

void delivery_poll(struct delivery *d, uint32_t now_ms) {
    if (now_ms == d->polled_ms) {
        return;
    }
    d->polled_ms = now_ms;
    advance(d, now_ms);
    poll_scrapes(d, now_ms);
    poll_scrapers(d, now_ms);
}
