/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * delivery_record.c: see delivery_record.h.
 */
#include "events/delivery_record.h"

#include "apart.h"
#include "state_order.h"

#include <stddef.h>

#define NONE ((uint16_t)EVENT_TABLE_NONE)
#define TALLY_SEAL 0x74616c79u

/* The numbers in a line for the console, and all of it, in bytes. */
#define NUMBERS_BYTES 80u
#define RANGE_BYTES 43u /* two numbers, and what stands between and before them */
#define LINE_BYTES (NUMBERS_BYTES + 64u + SCRAPERS_NAME_BYTES + SCRAPERS_AGENT_BYTES)

_Static_assert(offsetof(struct delivery_tally, seal) == 32, "no padding under the seal");
_Static_assert(sizeof(struct delivery_scrape) == 20 + 8 * DELIVERY_MASK_WORDS,
               "no padding under the seal");

/* ---- seals ------------------------------------------------------------------------------ */

uint32_t delivery_record_seal(const struct delivery_scrape *scrape,
                              enum delivery_record_state state) {
    const uint32_t from = (uint32_t)offsetof(struct delivery_scrape, handle);
    return state_check((uint32_t)state, &scrape->handle, (uint32_t)sizeof *scrape - from);
}

static uint32_t tally_seal(const struct delivery_tally *tally) {
    return state_check(TALLY_SEAL, tally, (uint32_t)offsetof(struct delivery_tally, seal));
}

bool delivery_record_tally_is_sealed(const struct delivery_tally *tally) {
    return tally->seal == tally_seal(tally);
}

void delivery_record_tally(struct delivery *d, uint64_t ambiguous, uint32_t counted_handle) {
    struct delivery_tally tally = {
        .posted = d->counts.posted,
        .ambiguous = ambiguous,
        .seen_unix_ms = d->times.seen_unix_ms,
        .uptime_s = d->uptime_s,
        .counted_handle = counted_handle,
    };
    tally.seal = tally_seal(&tally);
    state_redo_write(&d->redo, &d->tally, &tally,
                     (uint32_t)(offsetof(struct delivery_tally, seal) + sizeof tally.seal));
}

/* ---- events ----------------------------------------------------------------------------- */

bool delivery_record_settle(struct delivery *d, uint16_t slot, uint32_t bit) {
    const struct event *e = &d->events.slots[slot];
    const uint32_t due = e->due & ~bit;
    if (due != 0) {
        event_table_set_due(&d->events, &d->redo, slot, due, e->stamped_to & due);
        return false;
    }
    if (e->number > d->tally.posted) { /* its number would be given again */
        delivery_record_tally(d, d->tally.ambiguous, d->tally.counted_handle);
    }
    event_table_remove(&d->events, slot);
    return true;
}

/* ---- ambiguous events ------------------------------------------------------------------- */

/* The numbers of events, ascending, as ranges: 17-19, 23. */
struct numbers {
    struct text text;
    uint64_t first; /* the range under way; 0: none */
    uint64_t last;
    uint32_t count;
    uint32_t untold_count;
    char bytes[NUMBERS_BYTES];
};

static void put_range(struct numbers *n) {
    if (n->first == 0) {
        return;
    }
    if (text_room(&n->text) < RANGE_BYTES) {
        n->untold_count += (uint32_t)(n->last - n->first + 1u);
        return;
    }
    if (n->text.len > 0) {
        text_puts(&n->text, ", ");
    }
    text_put_u64(&n->text, n->first);
    if (n->last != n->first) {
        text_put_char(&n->text, '-');
        text_put_u64(&n->text, n->last);
    }
}

static void add_number(struct numbers *n, uint64_t number) {
    n->count++;
    if (n->first == 0 || number != n->last + 1u) {
        put_range(n);
        n->first = number;
    }
    n->last = number;
}

APART static void tell(const struct delivery *d, struct numbers *n, uint32_t scraper) {
    const struct scraper_identity *who = &d->scrapers.entries[scraper].identity;
    char bytes[LINE_BYTES];
    struct text t = text_over(bytes, sizeof bytes);
    if (d->options.warn == NULL || n->count == 0) {
        return;
    }
    put_range(n);
    text_puts(&t, n->count == 1 ? "event " : "events ");
    text_put_slice(&t, text_slice(&n->text));
    if (n->untold_count > 0) {
        text_format(&t, " and %u more", (unsigned)n->untold_count);
    }
    text_format(&t, " may come twice to %.*s%s%.*s", TEXT_SLICE(scrapers_agent(who)),
                who->agent_bytes > 0 ? " at " : "", TEXT_SLICE(scrapers_name(who)));
    d->options.warn(text_slice(&t));
}

void delivery_record_ambiguous(struct delivery *d, const struct delivery_scrape *scrape) {
    const uint32_t bit = (uint32_t)1 << scrape->scraper;
    struct numbers n = {.first = 0};
    n.text = text_over(n.bytes, sizeof n.bytes);
    for (uint16_t slot = d->events.oldest; slot != NONE; slot = d->events.slots[slot].newer) {
        const struct event *e = &d->events.slots[slot];
        if (!(e->due & bit) || !delivery_record_carries(scrape->taken, slot)) {
            continue;
        }
        const bool stamped = delivery_record_carries(scrape->stamped, slot);
        if (stamped) {
            event_table_set_due(&d->events, &d->redo, slot, e->due, e->stamped_to | bit);
        }
        if (!stamped || d->options.duplicates == DELIVERY_SUM) {
            add_number(&n, e->number);
        }
    }
    tell(d, &n, scrape->scraper);
    delivery_record_tally(d, d->tally.ambiguous + n.count, scrape->handle);
}

void delivery_record_lost_stamp(struct delivery *d, uint16_t slot, uint32_t scraper) {
    const struct event *e = &d->events.slots[slot];
    const uint32_t bit = (uint32_t)1 << scraper;
    struct numbers n = {.first = 0};
    n.text = text_over(n.bytes, sizeof n.bytes);
    add_number(&n, e->number);
    tell(d, &n, scraper);
    delivery_record_tally(d, d->tally.ambiguous + 1u, d->tally.counted_handle);
    event_table_set_due(&d->events, &d->redo, slot, e->due, e->stamped_to & ~bit);
}
