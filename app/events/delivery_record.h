/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * delivery_record.h: how delivery.c and delivery_recover.c change what outlives a reset, each
 * function such that a reset anywhere in it is made good by delivery_recover.
 */
#ifndef PINGSHOT_DELIVERY_RECORD_H
#define PINGSHOT_DELIVERY_RECORD_H

#include "events/delivery.h"

/* What the seal of a scrape says. */
enum delivery_record_state {
    DELIVERY_RECORD_SENT = 0x73656e74,      /* its page may be with the scraper */
    DELIVERY_RECORD_DELIVERED = 0x646c7672, /* it is; what is still due of it is not */
};

/* What the seal of this scrape is in that state. */
uint32_t delivery_record_seal(const struct delivery_scrape *scrape,
                              enum delivery_record_state state);

static inline bool delivery_record_carries(const uint32_t *mask, uint16_t slot) {
    return (mask[slot / 32u] >> (slot % 32u)) & 1u;
}

/* Writes the tally down as it is now, but for these two. */
void delivery_record_tally(struct delivery *d, uint64_t ambiguous, uint32_t counted_handle);

/* Whether the tally is as it was written. */
bool delivery_record_tally_is_sealed(const struct delivery_tally *tally);

/* The event is no longer due to a scraper (its bit). True: that was the last one, its slot is
 * free. */
bool delivery_record_settle(struct delivery *d, uint16_t slot, uint32_t bit);

/* A scrape in state SENT comes to nothing: tells and counts which of its events may come twice, and
 * remembers which must keep their timestamp. The tally keeps its handle: cut off behind this, it is
 * not counted again. */
void delivery_record_ambiguous(struct delivery *d, const struct delivery_scrape *scrape);

/* An event that was exposed to the scraper with its timestamp, and may have been stored, goes out to
 * it without: tells and counts it. */
void delivery_record_lost_stamp(struct delivery *d, uint16_t slot, uint32_t scraper);

#endif
